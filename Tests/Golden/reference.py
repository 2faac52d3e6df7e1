"""What transformers says in float32 on the CPU: the answers every fixture records."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

# A step whose two best tokens lie closer than this may fall either way when sums are added in
# another order; no fixture may hold one.
LEAST_MARGIN = 1e-3


@dataclass(frozen=True)
class Generation:
    """Greedy tokens with the natural logs of their probabilities."""

    tokens: list[int]
    logprobs: list[float]
    tops: list[list[tuple[int, float]]]
    finish_reason: str
    first_logits: torch.Tensor
    least_margin: float


def load(folder: Path, dtype: torch.dtype = torch.float32):
    """The model of a folder, its weights widened to float32."""
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager"
    ).eval()


@torch.no_grad()
def generate(model, prompt: list[int], maximum: int, stops: set[int], tops: int = 0) -> Generation:
    """Greedy decoding, ties to the lower id. The stop token is recorded; nothing follows it."""
    tokens, logprobs, best, margin, first = [], [], [], float("inf"), None
    cache, inputs, reason = None, torch.tensor([prompt]), "length"
    while len(tokens) < maximum:
        output = model(input_ids=inputs, past_key_values=cache, use_cache=True)
        cache, logits = output.past_key_values, output.logits[0, -1].float()
        first = logits if first is None else first
        two = logits.topk(2).values
        margin = min(margin, (two[0] - two[1]).item())
        distribution = logits.double().log_softmax(-1)
        token = int(logits.argmax())
        tokens.append(token)
        logprobs.append(distribution[token].item())
        ranked = distribution.topk(tops) if tops > 0 else None
        best.append(list(zip(ranked.indices.tolist(), ranked.values.tolist())) if ranked else [])
        if token in stops:
            reason = "stop"
            break
        inputs = torch.tensor([[token]])
    return Generation(tokens, logprobs, best, reason, first, margin)
