"""What transformers' logits processors make of random logits: repetition penalty, bad words, bias."""

import json
from pathlib import Path

import torch
from transformers.generation.logits_process import (
    NoBadWordsLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
)

VOCABULARY = 24
HERE = Path(__file__).parent


def processed(kind: str, seed: int) -> dict:
    """One draw: logits, what was said before, the processor's setting and its result."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, VOCABULARY, generator=generator) * 4
    said = torch.randint(0, 8, (1, 3 + seed % 9), generator=generator)
    prompt = seed % (said.shape[1] + 1)
    entry = {"kind": kind}
    if kind == "repetition_penalty":
        entry["penalty"] = [0.5, 1.25, 2.0][seed % 3]
        processor = RepetitionPenaltyLogitsProcessor(entry["penalty"])
    elif kind == "bad_words":
        # Words are looked for in what was generated alone: all of it was.
        prompt = 0
        last = said[0, -2:].tolist()
        entry["words"] = [[9], last + [11], last[-1:] + [12], [last[0], 23, 13], [23, 14], [7, 6]]
        processor = NoBadWordsLogitsProcessor(entry["words"])
    else:
        entry["bias"] = {str(token): float(token * 3 - 40) for token in (0, 5, 19, 23)}
        biases = [[[int(token)], bias] for token, bias in entry["bias"].items()]
        processor = SequenceBiasLogitsProcessor(biases)
    result = processor(said, logits.clone())[0].tolist()
    return entry | {
        "prompt": said[0, :prompt].tolist(),
        "generated": said[0, prompt:].tolist(),
        "logits": logits[0].tolist(),
        "expected": [None if value == -float("inf") else value for value in result],
    }


def main() -> None:
    kinds = ["repetition_penalty", "bad_words", "logit_bias"]
    cases = [processed(kind, seed) for kind in kinds for seed in range(8)]
    text = json.dumps({"cases": cases}, separators=(",", ":"))
    (HERE / "sampling.json").write_text(text.replace('{"kind"', '\n{"kind"') + "\n")


if __name__ == "__main__":
    main()
