"""Writes perplexity.json: the perplexity of a small text under Telemachus, window by window.

    python3 perplexity_fixtures.py

Each window is a forward pass of transformers in float32 on the CPU, cut as the documentation of
transformers cuts long texts ("Perplexity of fixed-length models"); the log probabilities of the
tokens that count are then looked up one by one and added in double precision.
"""

import json
import math
from pathlib import Path

import torch
from tokenizers import Tokenizer

import reference

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent.parent / "Models" / "telemachus"

# Written for this file. Names, numbers and letters beyond ASCII make tokens of every length.
TEXT = """\
At dawn the old pilot counted the oars again: twenty-four, and one split from blade to grip. \
He had carved his mark on each of them in the year when the harbour froze, and he knew them by \
their weight as a shepherd knows his flock.

"Nine days," said the boy, "and still no wind."
"Then we row," the pilot answered, "as we rowed past the smoking island, and past the narrow \
water where the whirlpool drinks the tide."

They drew the ship down over the shingle – 48 men, 3 goats, a jar of honey – and by noon the \
mountain behind the town of Πύλος was a blue stain, no broader than a hand. The sea was flat and \
dark as wine. Somewhere below the keel a great fish turned, and the water rose, and fell, and was \
still. No one spoke of the gods. The boy sang a song about a king who came home late, whose dog \
knew him and whose servants did not, and the men pulled in time with it until the stars came out.
"""

CUTS = [(128, 64), (128, 128), (96, 31), (2048, 1024)]


@torch.no_grad()
def perplexity(model, tokens: list[int], length: int, stride: int) -> dict:
    """Sum over all windows of the tokens that no window before them scored."""
    nats, scored, windows, previous_end = 0.0, 0, 0, 0
    for begin in range(0, len(tokens), stride):
        end = min(begin + length, len(tokens))
        first = max(previous_end, begin + 1)
        if first < end:
            logits = model(input_ids=torch.tensor([tokens[begin:end]])).logits[0].double()
            distribution = logits.log_softmax(-1)
            for position in range(first, end):
                nats -= distribution[position - 1 - begin, tokens[position]].item()
            scored, windows = scored + end - first, windows + 1
        previous_end = end
        if end == len(tokens):
            break
    mean = nats / scored
    return {
        "max_length": length,
        "stride": stride,
        "windows": windows,
        "scored_tokens": scored,
        "nats_per_token": round(mean, 6),
        "perplexity": round(math.exp(mean), 5),
    }


def main() -> None:
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    model = reference.load(MODEL)
    tokens = tokenizer.encode(TEXT).ids
    plain = tokenizer.encode(TEXT, add_special_tokens=False).ids
    cuts = [perplexity(model, tokens, *cut) for cut in CUTS]
    header = {
        "model": "telemachus",
        "dtype": "float32",
        "text": TEXT,
        "text_tokens": len(plain),
        "text_bytes": len(TEXT.encode()),
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}," for name, value in header.items()]
    rows = ",\n".join(json.dumps(cut) for cut in cuts)
    content = "{\n" + "\n".join(lines) + f'\n"cuts": [\n{rows}\n]\n' + "}\n"
    (HERE / "perplexity.json").write_text(content)
    print(len(tokens), "tokens:", *cuts, sep="\n")


if __name__ == "__main__":
    main()
