"""Makes tiny random checkpoints of the families Tern runs, with awkward sizes.

Weights are drawn wide, so that logits vary and greedy tokens differ from step to step; norms lie
around one. Configurations are written in either of the two spellings that users have.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

ARCHITECTURES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "mistral": "MistralForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
    "gpt_oss": "GptOssForCausalLM",
    "deepseek_v2": "DeepseekV2ForCausalLM",
    "deepseek_v3": "DeepseekV3ForCausalLM",
}

# How an expert's matrices are called when each has a tensor of its own.
EXPERT_NAMES = {
    "qwen3_moe": ("mlp", "gate_proj", "up_proj", "down_proj"),
    "mixtral": ("block_sparse_moe", "w1", "w3", "w2"),
    "deepseek_v2": ("mlp", "gate_proj", "up_proj", "down_proj"),
    "deepseek_v3": ("mlp", "gate_proj", "up_proj", "down_proj"),
}


@dataclass(frozen=True)
class Checkpoint:
    """What to make. `sizes` are keys of config.json; `rope` is its rotary scaling.

    `fused`: all experts of a layer in one tensor, as transformers 5 holds them in memory.
    """

    family: str
    sizes: dict
    rope: dict = field(default_factory=lambda: {"rope_type": "default"})
    theta: float = 10000.0
    dtype: torch.dtype = torch.float32
    old_spelling: bool = False
    shards: int = 1
    fused: bool = False
    seed: int = 0
    std: float = 0.25
    lengths: tuple[int, ...] = (1, 7, 70)


def old_scaling(rope: dict, family: str) -> dict:
    """The linear kind is older than the key `rope_type`, which was `type` then."""
    if rope["rope_type"] != "linear" or family == "gemma3_text":
        return rope
    return {"type": "linear", "factor": rope["factor"]}


def configuration(made: Checkpoint) -> dict:
    """config.json as a dictionary, in the old or the new spelling."""
    written = {
        "architectures": [ARCHITECTURES[made.family]],
        "model_type": made.family,
        "hidden_act": "silu",
        "bos_token_id": 0,
        "eos_token_id": 1,
        **made.sizes,
    }
    dtype = str(made.dtype).removeprefix("torch.")
    if made.old_spelling:
        if made.family == "qwen3_moe":
            written["num_experts"] = written.pop("num_local_experts")
        scaled = made.rope["rope_type"] != "default"
        written |= {"torch_dtype": dtype, "rope_theta": made.theta}
        written |= {"rope_scaling": old_scaling(made.rope, made.family) if scaled else None}
    else:
        written |= {"dtype": dtype, "rope_parameters": {"rope_theta": made.theta, **made.rope}}
    return written


def randomize(model, generator: torch.Generator, std: float) -> None:
    """Matrices around zero, norms around one, biases of their own."""
    # Gemma's norms add one to their weights.
    center = 0 if model.config.model_type.startswith("gemma") else 1
    drawn = list(model.named_parameters())
    drawn += [entry for entry in model.named_buffers() if entry[0].endswith("correction_bias")]
    with torch.no_grad():
        for name, parameter in drawn:
            draw = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(center + 0.2 * draw)
            elif name.endswith("correction_bias"):
                parameter.copy_(0.1 * draw)
            elif name.endswith("bias"):
                parameter.copy_(0.5 * draw)
            else:
                parameter.copy_(std * draw)


def split_experts(tensors: dict, family: str) -> dict:
    """Each expert's matrices under names of their own, as released checkpoints have them."""
    module, gate, up, down = EXPERT_NAMES[family]
    split = {}
    for name, tensor in tensors.items():
        layer, found, rest = name.partition(".mlp.experts.")
        if name.endswith(".mlp.gate.weight"):
            split[name.replace(".mlp.gate.", f".{module}.gate.")] = tensor
        elif not found:
            split[name] = tensor
        else:
            for number, expert in enumerate(tensor):
                parts = {down: expert}
                if rest == "gate_up_proj":
                    parts = dict(zip((gate, up), expert.chunk(2)))
                for part, matrix in parts.items():
                    key = f"{layer}.{module}.experts.{number}.{part}.weight"
                    split[key] = matrix.clone().contiguous()
    return split


def save_shards(tensors: dict, folder: Path, count: int) -> None:
    """One file, or several with their index."""
    if count == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, places = sorted(tensors), {}
    for number in range(count):
        file = f"model-{number + 1:05}-of-{count:05}.safetensors"
        part = {name: tensors[name] for name in names[number::count]}
        places |= {name: file for name in part}
        save_file(part, folder / file, metadata={"format": "pt"})
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def make(made: Checkpoint, folder: Path) -> None:
    """Writes config.json and the weights into a folder that may exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(configuration(made), indent=2) + "\n")
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    randomize(model, torch.Generator().manual_seed(made.seed), made.std)
    tied = made.sizes.get("tie_word_embeddings", False)
    tensors = {
        name: tensor.to(made.dtype).clone().contiguous()
        for name, tensor in model.state_dict().items()
        if not (tied and name == "lm_head.weight")
    }
    if made.family in EXPERT_NAMES and not made.fused:
        tensors = split_experts(tensors, made.family)
    save_shards(tensors, folder, made.shards)
