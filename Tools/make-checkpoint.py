#!/usr/bin/env python3
"""Writes a checkpoint of random bfloat16 weights for a bare config.json of a dense Llama.

    Tools/make-checkpoint.py Benchmarks/llama-125m FOLDER

For measurements of the load, which need a real file: `--load-format dummy` reads none. Needs nothing
but Python. An existing checkpoint stays as it is.
"""

import json
import os
import random
import shutil
import struct
import sys


def shapes(config: dict) -> dict[str, list[int]]:
    """Every tensor by name."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads, head = config["num_attention_heads"], config.get("head_dim")
    head = head or hidden // heads
    queries, keys = heads * head, config["num_key_value_heads"] * head
    found = {
        "model.embed_tokens.weight": [config["vocab_size"], hidden],
        "model.norm.weight": [hidden],
    }
    if not config.get("tie_word_embeddings", False):
        found["lm_head.weight"] = [config["vocab_size"], hidden]
    for layer in range(config["num_hidden_layers"]):
        for name, shape in {
            "input_layernorm": [hidden],
            "post_attention_layernorm": [hidden],
            "self_attn.q_proj": [queries, hidden],
            "self_attn.k_proj": [keys, hidden],
            "self_attn.v_proj": [keys, hidden],
            "self_attn.o_proj": [hidden, queries],
            "mlp.gate_proj": [inner, hidden],
            "mlp.up_proj": [inner, hidden],
            "mlp.down_proj": [hidden, inner],
        }.items():
            found[f"model.layers.{layer}.{name}.weight"] = shape
    return found


def elements(count: int, pool: bytes) -> bytes:
    """So many random elements, of a pool that repeats."""
    size = 2 * count
    return (pool * (size // len(pool) + 1))[:size]


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    source, folder = sys.argv[1:]
    path = os.path.join(folder, "model.safetensors")
    if os.path.exists(path):
        return
    with open(os.path.join(source, "config.json"), encoding="utf-8") as file:
        tensors = shapes(json.load(file))
    header, end = {}, 0
    for name, shape in tensors.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + 2 * count]}
        end += 2 * count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    draw = random.Random(1)
    # Signs and mantissas at random, between 2^-7 and 2^-5.
    pool = b"".join(
        struct.pack("<H", draw.getrandbits(1) << 15 | (120 << 7) + draw.getrandbits(8))
        for _ in range(1 << 16)
    )
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(source, "config.json"), folder)
    # Under another name until it is whole.
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors.items():
            count = shape[0] * (shape[1] if len(shape) > 1 else 1)
            file.write(elements(count, pool) if len(shape) > 1 else b"\x80\x3f" * count)
    os.rename(path + ".part", path)


if __name__ == "__main__":
    main()
