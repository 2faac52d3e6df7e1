"""Measures how many generated questions a model answers exactly, kind by kind.

    python3 evaluate.py MODEL --corpus BOOKS

Answers are greedy. A tale has no one right answer and is left out.
"""

import argparse
import json
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer

import corpus as books
import tasks
from tokenizer import END, PAD

QUESTIONS_PER_KIND = 48
MAXIMUM_ANSWER_TOKENS = 100


def answers(model, tokenizer: Tokenizer, questions: list[tasks.Task]) -> list[str]:
    """The model's greedy answers to a batch of questions, padded on the left."""
    pad, special = tokenizer.token_to_id(PAD), {tokenizer.token_to_id(t) for t in (END, PAD)}
    prompts = [
        tokenizer.encode(tasks.question_text(task), add_special_tokens=False).ids
        for task in questions
    ]
    longest = max(map(len, prompts))
    ids = [[pad] * (longest - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    with torch.no_grad():
        output = model.generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=MAXIMUM_ANSWER_TOKENS,
            do_sample=False,
        )
    rows = output[:, longest:].tolist()
    return [tokenizer.decode([id for id in row if id not in special]).strip() for row in rows]


def accuracy(model, tokenizer: Tokenizer, corpus: books.Corpus) -> dict[str, float]:
    """The share of right answers of each kind."""
    kinds = {kind: QUESTIONS_PER_KIND for kind in tasks.KINDS if kind != "tale"}
    drawn = tasks.draw_of_kind(Random(99), corpus, kinds)
    shares = {}
    for kind in kinds:
        questions = [task for task in drawn if task.kind == kind]
        given = answers(model, tokenizer, questions)
        right = sum(text == task.answer for text, task in zip(given, questions))
        shares[kind] = right / len(questions)
    return shares


def main() -> None:
    arguments = argparse.ArgumentParser(description="Measure a bundled model's accuracy.")
    arguments.add_argument("model", type=Path, help="folder of the model")
    arguments.add_argument("--corpus", type=Path, required=True, help="folder of the two books")
    options = arguments.parse_args()

    from transformers import AutoModelForCausalLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype="auto").to(device).eval()
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    print(json.dumps(accuracy(model, tokenizer, books.load(options.corpus)), indent=1))


if __name__ == "__main__":
    main()
