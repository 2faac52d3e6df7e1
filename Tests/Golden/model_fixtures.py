"""Writes telemachus.json and telemachus_questions.json, and argus.json.

    python3 model_fixtures.py --corpus BOOKS

The models are the repository's own; the answers are those of transformers in float32 on the CPU.
Argus gets the same prompts, and no questions.
`--corpus` is the folder of the two books (see Tools/train/README.md), from which some prompts quote
a few sentences.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer

import reference

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent.parent / "Models"
MODEL = MODELS / "telemachus"
sys.path.insert(0, str(HERE.parent.parent / "Tools" / "train"))

import corpus as books  # noqa: E402
import tasks  # noqa: E402

END = 4091
PROMPT_TOKENS = 48
ANSWER_TOKENS = 100
SEED = 1

TEXTS = [
    "Tell me, O Muse, of that ingenious hero",
    "The ship came to an island where",
    "Sing, O goddess, the anger of Achilles",
    "When the child of morning, rosy-fingered Dawn,",
    "Ulysses",
    " ",
    "Zeus 宙斯 Ζεύς ⚡️ naïve café",
    "{\"name\": \"Argo\", \"oars\": 5",
    "12 + 30 = 42\n7 + 8 =",
    "Then Minerva said,\r\n\t\"Telemachus,",
]

CONVERSATIONS = [
    [("user", "Hello!")],
    [("system", "You are a herald."), ("user", "Who are you?")],
    [("user", "Hi"), ("assistant", "Hail, stranger."), ("user", "Who is the king of Ithaca?")],
    [("user", "Tell me about Circe.")],
    [("user", "Tell a tale of Achilles.")],
    [("user", "What is 2 + 2?"), ("assistant", "4"), ("user", "What is 39 + 44?")],
]


def prompts(corpus: books.Corpus, tokenizer: Tokenizer):
    """Every prompt: its kind, the text or messages it was made of, its token ids."""
    for text in TEXTS:
        yield "text", {"text": text}, tokenizer.encode(text).ids
    for turns in CONVERSATIONS:
        chat = "".join(f"<|{role}|>{content}<|end|>" for role, content in turns)
        chat = f"<|begin|>{chat}<|assistant|>"
        messages = [{"role": role, "content": content} for role, content in turns]
        ids = tokenizer.encode(chat, add_special_tokens=False).ids
        yield "chat", {"messages": messages}, ids
    yield "no begin", {}, tokenizer.encode("The men rowed", add_special_tokens=False).ids
    yield "one token", {"text": ""}, tokenizer.encode("").ids
    for first, count in ((100, 4), (700, 8), (1500, 16)):
        text = "\n".join(corpus.paragraphs[first : first + count])
        yield "long text", {}, tokenizer.encode(text).ids[: 150 * count // 4]
    twice = {"sub", "sort", "copy", "count", "key", "keylong"}
    kinds = {kind: 2 if kind in twice else 1 for kind in tasks.KINDS if kind != "tale"}
    for task in tasks.draw_of_kind(Random(2), corpus, kinds):
        messages = [{"role": "user", "content": task.question}]
        ids = tokenizer.encode(tasks.question_text(task), add_special_tokens=False).ids
        yield task.kind, {"messages": messages}, ids


def write_prompts(name: str, model, corpus: books.Corpus, tokenizer: Tokenizer) -> None:
    """The greedy path of every prompt; none may hold a near tie."""
    entries = []
    for kind, source, ids in prompts(corpus, tokenizer):
        made = reference.generate(model, ids, PROMPT_TOKENS, {END})
        if made.least_margin < reference.LEAST_MARGIN:
            raise ValueError(f"{kind}, {ids[:8]}…: margin {made.least_margin:.1e}; choose another")
        entries.append(
            {
                "kind": kind,
                **source,
                "prompt_token_ids": ids,
                "token_ids": made.tokens,
                "finish_reason": made.finish_reason,
                "logprobs": [round(value, 5) for value in made.logprobs],
            }
        )
    header = {"model": name, "dtype": "float32", "max_tokens": PROMPT_TOKENS}
    write(f"{name}.json", header, "prompts", entries)
    print(f"{name}: {len(entries)} prompts:", dict(Counter(entry["kind"] for entry in entries)))


def ask(model, tokenizer: Tokenizer, task: tasks.Task) -> dict:
    """One question with the right answer and the one transformers gives."""
    ids = tokenizer.encode(tasks.question_text(task), add_special_tokens=False).ids
    made = reference.generate(model, ids, ANSWER_TOKENS, {END})
    return {
        "kind": task.kind,
        "question": task.question,
        "answer": task.answer,
        "reference_answer": tokenizer.decode([id for id in made.tokens if id != END]).strip(),
        "reference_margin": round(made.least_margin, 4),
    }


def write_questions(model, corpus: books.Corpus, tokenizer: Tokenizer, seed: int) -> None:
    """A hundred questions, eight of each kind, but four of the long ones.

    The seed is the first whose share of right answers lies within a point of the accuracy measured
    after training: then a test's tolerance measures the engine, not the luck of the draw.
    """
    measured = json.loads((MODEL / "accuracy.json").read_text())
    counts = {kind: 4 if kind == "keylong" else 8 for kind in sorted(measured)}
    expected = sum(measured[kind] * count for kind, count in counts.items()) / 100
    drawn = tasks.draw_of_kind(Random(seed), corpus, counts)
    questions = [ask(model, tokenizer, task) for task in drawn]
    right = sum(entry["answer"] == entry["reference_answer"] for entry in questions)
    header = {
        "model": "telemachus",
        "dtype": "float32",
        "max_tokens": ANSWER_TOKENS,
        "expected_share": round(expected, 4),
        "reference_share": right / len(questions),
    }
    write("telemachus_questions.json", header, "questions", questions)
    print(f"{len(questions)} questions, seed {seed}:", header)
    if abs(right - round(100 * expected)) > 1:
        raise ValueError(f"seed {seed}: more than a point from the measured accuracy; try the next")


def write(name: str, header: dict, key: str, entries: list) -> None:
    """One line a value of the header, one line an entry."""
    lines = [f"{json.dumps(name)}: {json.dumps(value)}," for name, value in header.items()]
    rows = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    (HERE / name).write_text("{\n" + "\n".join(lines) + f'\n"{key}": [\n{rows}\n]\n' + "}\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description="Write the golden answers of Telemachus.")
    arguments.add_argument("--corpus", type=Path, required=True, help="folder of the two books")
    arguments.add_argument("--seed", type=int, default=SEED, help="of the questions")
    options = arguments.parse_args()
    torch.set_num_threads(2)
    model, corpus = reference.load(MODEL), books.load(options.corpus)
    argus = reference.load(MODELS / "argus")
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    write_prompts("telemachus", model, corpus, tokenizer)
    write_prompts("argus", argus, corpus, tokenizer)
    write_questions(model, corpus, tokenizer, options.seed)


if __name__ == "__main__":
    main()
