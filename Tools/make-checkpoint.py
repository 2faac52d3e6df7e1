#!/usr/bin/env python3
"""Writes a checkpoint of random weights for a bare config.json of a dense Llama.

    Tools/make-checkpoint.py [--quantization SCHEME] Benchmarks/llama-125m FOLDER

Without a scheme all weights are bfloat16; with one, those of the layers' matrices are whole numbers:
`awq`, `gptq` and `packed` (compressed-tensors W4A16) of 4 bits in groups of 128, `w8a8` of 8.

For measurements of the load, which need a real file: `--load-format dummy` reads none. Needs nothing
but Python. An existing checkpoint stays as it is.
"""

import argparse
import json
import os
import random
import struct

GROUP = 128
SIZES = {"BF16": 2, "F16": 2, "I32": 4, "I8": 1}
WEIGHTS_4 = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": GROUP}
WEIGHTS_8 = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
INPUTS_8 = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True}
# What config.json says of each scheme.
SCHEMES = {
    "awq": {"quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm"},
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": False},
    "packed": {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "config_groups": {"group_0": {"weights": WEIGHTS_4, "input_activations": None}},
        "ignore": ["lm_head"],
    },
    "w8a8": {
        "quant_method": "compressed-tensors",
        "format": "int-quantized",
        "config_groups": {"group_0": {"weights": WEIGHTS_8, "input_activations": INPUTS_8}},
        "ignore": ["lm_head"],
    },
}

Tensors = dict[str, tuple[str, list[int]]]


def matrix(name: str, outputs: int, inputs: int, scheme: str | None) -> Tensors:
    """The tensors of a layer's matrix: their types and shapes."""
    groups = -(-inputs // GROUP)
    if scheme == "w8a8":
        return {
            f"{name}.weight": ("I8", [outputs, inputs]),
            f"{name}.weight_scale": ("BF16", [outputs, 1]),
        }
    if scheme == "packed":
        return {
            f"{name}.weight_packed": ("I32", [outputs, inputs // 8]),
            f"{name}.weight_scale": ("BF16", [outputs, groups]),
        }
    if scheme is not None:
        words = [inputs, outputs // 8] if scheme == "awq" else [inputs // 8, outputs]
        return {
            f"{name}.qweight": ("I32", words),
            f"{name}.qzeros": ("I32", [groups, outputs // 8]),
            f"{name}.scales": ("F16", [groups, outputs]),
        }
    return {f"{name}.weight": ("BF16", [outputs, inputs])}


def tensors(config: dict, scheme: str | None) -> Tensors:
    """Every tensor by name."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads, head = config["num_attention_heads"], config.get("head_dim")
    head = head or hidden // heads
    queries, keys = heads * head, config["num_key_value_heads"] * head
    found: Tensors = {
        "model.embed_tokens.weight": ("BF16", [config["vocab_size"], hidden]),
        "model.norm.weight": ("BF16", [hidden]),
    }
    if not config.get("tie_word_embeddings", False):
        found["lm_head.weight"] = ("BF16", [config["vocab_size"], hidden])
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        for name in ["input_layernorm", "post_attention_layernorm"]:
            found[f"{prefix}{name}.weight"] = ("BF16", [hidden])
        for name, outputs, inputs in [
            ("self_attn.q_proj", queries, hidden),
            ("self_attn.k_proj", keys, hidden),
            ("self_attn.v_proj", keys, hidden),
            ("self_attn.o_proj", hidden, queries),
            ("mlp.gate_proj", inner, hidden),
            ("mlp.up_proj", inner, hidden),
            ("mlp.down_proj", hidden, inner),
        ]:
            found |= matrix(prefix + name, outputs, inputs, scheme)
    return found


def pools() -> dict[str, bytes]:
    """Random elements of each type, which repeat; scales and real numbers are of usual sizes."""
    draw = random.Random(1)
    # Signs and mantissas at random, between 2^-7 and 2^-5.
    real = b"".join(
        struct.pack("<H", draw.getrandbits(1) << 15 | (120 << 7) + draw.getrandbits(8))
        for _ in range(1 << 16)
    )
    words = draw.randbytes(1 << 18)
    return {"BF16": real, "F16": b"\x00\x1c" * 4096, "I32": words, "I8": words.replace(b"\x80", b"\x00")}


def write(file, name: str, kind: str, count: int, pool: dict[str, bytes]) -> None:
    """So many elements of one tensor."""
    if name.endswith("norm.weight"):
        pattern = b"\x80\x3f"
    elif name.endswith("weight_scale"):
        pattern = b"\x80\x3b"  # 2^-8
    else:
        pattern = pool[kind]
    size = SIZES[kind] * count
    file.write((pattern * (size // len(pattern) + 1))[:size])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quantization", choices=SCHEMES)
    parser.add_argument("source")
    parser.add_argument("folder")
    arguments = parser.parse_args()
    path = os.path.join(arguments.folder, "model.safetensors")
    if os.path.exists(path):
        return
    with open(os.path.join(arguments.source, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    found = tensors(config, arguments.quantization)
    if arguments.quantization:
        config["quantization_config"] = SCHEMES[arguments.quantization]
    header, end, counts = {}, 0, {}
    for name, (kind, shape) in found.items():
        counts[name] = shape[0] * (shape[1] if len(shape) > 1 else 1)
        size = SIZES[kind] * counts[name]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(arguments.folder, exist_ok=True)
    with open(os.path.join(arguments.folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    pool = pools()
    # Under another name until it is whole.
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, (kind, _) in found.items():
            write(file, name, kind, counts[name], pool)
    os.rename(path + ".part", path)


if __name__ == "__main__":
    main()
