"""The model that every engine runs: a Llama of a given configuration with seeded random weights, the same
numbers as a safetensors checkpoint and as GGUF. A weight is drawn as its two bytes, the lower at random,
the upper one of two values, so that magnitudes lie in 2^-7..2^-5 with either sign; 2^-5..2^-3 for the
embedding, or attention would drown what the last token is. The layout of GGUF was
checked against the `gguf` package. Here nothing is run but llama-quantize.
"""

import json
import math
import random
import struct
import subprocess

MAX_LENGTH = 4096
WORD = "\u0120"  # the space of byte-level vocabularies
FIRST_WORD = 257  # before it are the bytes and what a vocabulary must have merged
UPPER_BYTES = bytes([0x3C, 0xBC] * 128)
UPPER_BYTES_OF_EMBEDDING = bytes([0x3D, 0xBD] * 128)
F32, BF16 = 0, 30  # as GGUF numbers them


def random_bf16(count, generator, upper_bytes):
    data = bytearray(2 * count)
    data[0::2] = generator.randbytes(count)
    data[1::2] = generator.randbytes(count).translate(upper_bytes)
    return data


def tensors(config):
    """Every tensor of a Llama: its names in both formats, its shape, and heads where GGUF reorders rows."""
    hidden, middle = config["hidden_size"], config["intermediate_size"]
    heads, kv_heads, size = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    vocabulary = [config["vocab_size"], hidden]
    yield "model.embed_tokens.weight", "token_embd.weight", vocabulary, 0
    for layer in range(config["num_hidden_layers"]):
        for name, short, shape, reordered in [
            ("input_layernorm", "attn_norm", [hidden], 0),
            ("self_attn.q_proj", "attn_q", [heads * size, hidden], heads),
            ("self_attn.k_proj", "attn_k", [kv_heads * size, hidden], kv_heads),
            ("self_attn.v_proj", "attn_v", [kv_heads * size, hidden], 0),
            ("self_attn.o_proj", "attn_output", [hidden, heads * size], 0),
            ("post_attention_layernorm", "ffn_norm", [hidden], 0),
            ("mlp.gate_proj", "ffn_gate", [middle, hidden], 0),
            ("mlp.up_proj", "ffn_up", [middle, hidden], 0),
            ("mlp.down_proj", "ffn_down", [hidden, middle], 0),
        ]:
            yield f"model.layers.{layer}.{name}.weight", f"blk.{layer}.{short}.weight", shape, reordered
    yield "model.norm.weight", "output_norm.weight", [hidden], 0
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", "output.weight", vocabulary, 0


def interleaved(data, shape, heads):
    """Rows of a head in the order that GGUF's Llama rotates: pairs beside each other, not halves apart."""
    row = 2 * shape[1]
    half = shape[0] // heads // 2
    starts = range(0, shape[0], 2 * half)
    order = (start + half * side + at for start in starts for at in range(half) for side in (0, 1))
    return b"".join(data[row * index : row * (index + 1)] for index in order)


def rope_factors(config):
    """The divisors of rotation frequencies that llama3's scaling means, or none."""
    rope = config.get("rope_parameters", {})
    if rope.get("rope_type") != "llama3":
        return None
    factor, low, high = rope["factor"], rope["low_freq_factor"], rope["high_freq_factor"]
    factors = []
    for index in range(0, config["head_dim"], 2):
        turns = rope["original_max_position_embeddings"] / (
            2 * math.pi * rope["rope_theta"] ** (index / config["head_dim"]))
        smooth = min(max((turns - low) / (high - low), 0), 1)
        factors.append(1 / ((1 - smooth) / factor + smooth))
    return factors


def byte_characters():
    """The characters that stand for the 256 bytes in a byte-level vocabulary."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in kept else chr(next(others)) for byte in range(256)]


def vocabulary(config):
    """Words that tell their number, so that the texts of two engines are equal where their tokens are."""
    words = [f"{WORD}{token}" for token in range(FIRST_WORD, config["vocab_size"])]
    return byte_characters() + ["ab"] + words


def gguf_value(value):
    """The type and the bytes of a metadata value; floats and integers of 32 bits."""
    match value:
        case bool():
            return 7, struct.pack("<?", value)
        case int():
            return 4, struct.pack("<I", value)
        case float():
            return 6, struct.pack("<f", value)
        case str():
            data = value.encode()
            return 8, struct.pack("<Q", len(data)) + data
        case list():
            kinds, parts = zip(*map(gguf_value, value))
            kind = 5 if kinds[0] == 4 else kinds[0]  # numbers in lists are signed
            return 9, struct.pack("<IQ", kind, len(value)) + b"".join(parts)


def gguf_metadata(config):
    rope = config.get("rope_parameters", config)
    words = vocabulary(config)
    return {
        "general.architecture": "llama",
        "general.file_type": 32,
        "llama.context_length": config["max_position_embeddings"],
        "llama.embedding_length": config["hidden_size"],
        "llama.block_count": config["num_hidden_layers"],
        "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": config["num_attention_heads"],
        "llama.attention.head_count_kv": config["num_key_value_heads"],
        "llama.attention.key_length": config["head_dim"],
        "llama.attention.value_length": config["head_dim"],
        "llama.attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        "llama.rope.dimension_count": config["head_dim"],
        "llama.rope.freq_base": float(rope["rope_theta"]),
        "llama.vocab_size": config["vocab_size"],
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.token_type": [1] * len(words),
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.eos_token_id": config["eos_token_id"],
        "tokenizer.ggml.add_bos_token": False,
    }


def write_gguf_head(file, config, entries):
    """Everything before the data. `entries` are name, shape, type and bytes of each tensor in order."""
    metadata = gguf_metadata(config)
    file.write(struct.pack("<4sIQQ", b"GGUF", 3, len(entries), len(metadata)))
    for key, value in metadata.items():
        kind, data = gguf_value(value)
        file.write(gguf_value(key)[1] + struct.pack("<I", kind) + data)
    offset = 0
    for name, shape, kind, size in entries:
        file.write(gguf_value(name)[1] + struct.pack("<I", len(shape)))
        file.write(struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", kind, offset))
        offset += size + -size % 32
    file.write(bytes(-file.tell() % 32))


def write_tokenizer(folder, config):
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    words = {word: token for token, word in enumerate(vocabulary(config))}
    model = {"type": "BPE", "vocab": words, "merges": [["a", "b"]]}
    tokenizer = {
        "version": "1.0", "added_tokens": [], "pre_tokenizer": level, "decoder": level, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_LENGTH}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def write_weights(folder, config):
    """The checkpoint and model-bf16.gguf, tensor by tensor from one generator."""
    listed = list(tensors(config))
    header, entries, offset = {}, [], 0
    for name, short, shape, _ in listed:
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
        is_norm = len(shape) == 1
        entries.append((short, shape, F32 if is_norm else BF16, 2 * size if is_norm else size))
    factors = rope_factors(config)
    if factors:
        entries.append(("rope_freqs.weight", [len(factors)], F32, 4 * len(factors)))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = random.Random(1)
    with open(folder / "model.safetensors", "wb") as plain, open(folder / "model-bf16.gguf", "wb") as gguf:
        plain.write(struct.pack("<Q", len(text)) + text)
        write_gguf_head(gguf, config, entries)

        def add(data):
            gguf.write(data)
            gguf.write(bytes(-len(data) % 32))

        for name, _, shape, heads in listed:
            if len(shape) == 1:
                plain.write(b"\x80\x3f" * shape[0])  # ones
                add(struct.pack("<f", 1) * shape[0])
            else:
                upper = UPPER_BYTES_OF_EMBEDDING if "embed" in name else UPPER_BYTES
                data = random_bf16(math.prod(shape), generator, upper)
                if shape[0] == config["vocab_size"]:
                    # Zeros have no logit to speak of, so that words alone are told.
                    data[: 2 * FIRST_WORD * shape[1]] = bytes(2 * FIRST_WORD * shape[1])
                plain.write(data)
                add(interleaved(data, shape, heads) if heads else data)
        if factors:
            add(struct.pack(f"<{len(factors)}f", *factors))


def make_files(model, files, quantize):
    """The folder of a model's files and its configuration; what is there already stays as it is."""
    config = json.loads((model / "config.json").read_text())
    folder = files / model.name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.json").exists():
        write_weights(folder, config)
        write_tokenizer(folder, config)
        (folder / "config.json").write_text(json.dumps(config, indent=2))
    smaller = folder / "model-q8_0.gguf"
    if quantize and not smaller.exists():
        command = [quantize, folder / "model-bf16.gguf", smaller, "Q8_0"]
        subprocess.run(command, check=True, capture_output=True)
    return folder, config
