"""Writes gguf/: tiny random GGUF files, and what transformers answers in float32.

    python3 gguf_fixtures.py [NAME...]

Weights are drawn, quantized and written by gguf-py. The reference is the model that transformers
makes of the dequantized weights; where transformers reads such a file itself, both must agree.
blocks.json holds random blocks of each type and what gguf-py makes of them, bit for bit.
pieces.json holds a vocabulary that SentencePiece trained on this folder's README, as llama files have
it, the merges that transformers makes of its scores, and SentencePiece's own tokens of some texts.
"""

import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import gguf
import numpy
import sentencepiece
import torch
from gguf import GGMLQuantizationType as Type
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.tokenization_utils_base import generate_merges

import reference
from tiny_models import ARCHITECTURES, randomize

FOLDER = Path(__file__).resolve().parent / "gguf"
TOKENS = 12
PROMPT_LENGTHS = (1, 9, 40)
# gguf-py only reads these.
DRAWN = {Type.Q4_K: 4, Type.Q5_K: 4, Type.Q6_K: 2}

SMALL = {
    "vocab_size": 67,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
WIDE = SMALL | {"hidden_size": 256, "num_hidden_layers": 1, "head_dim": 8}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}[{{ message['role'] }}] "
    "{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


@dataclass(frozen=True)
class File:
    """What to make. `types`: the type of tensors whose name holds a key, the last one counts."""

    family: str
    arch: gguf.MODEL_ARCH
    sizes: dict
    types: dict
    rope: dict = field(default_factory=lambda: {"rope_type": "default", "rope_theta": 10000.0})
    tokenizer: str | None = None
    # Whether transformers reads such files itself.
    read_by_transformers: bool = True


FILES = {
    "llama-f16": File("llama", gguf.MODEL_ARCH.LLAMA, SMALL, {"": Type.F16}),
    "llama-biases": File(
        "llama",
        gguf.MODEL_ARCH.LLAMA,
        SMALL | {"attention_bias": True, "mlp_bias": True, "num_hidden_layers": 1},
        {"": Type.F32},
        read_by_transformers=False,
    ),
    "llama3-q8": File(
        "llama",
        gguf.MODEL_ARCH.LLAMA,
        SMALL | {"vocab_size": 558, "tie_word_embeddings": True},
        {"": Type.Q8_0},
        LLAMA3,
        tokenizer="llama3",
        read_by_transformers=False,
    ),
    "qwen2-q4": File(
        "qwen2",
        gguf.MODEL_ARCH.QWEN2,
        SMALL | {"rms_norm_eps": 1e-6},
        {"": Type.Q4_0, "ffn_down": Type.Q5_0, "output.weight": Type.Q8_0},
        {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 4.0},
        read_by_transformers=False,
    ),
    "qwen2-k": File(
        "qwen2",
        gguf.MODEL_ARCH.QWEN2,
        WIDE,
        {
            "": Type.Q4_K,
            "token_embd": Type.Q6_K,
            "attn_v": Type.Q6_K,
            "attn_output": Type.Q8_0,
            "ffn_up": Type.Q5_K,
            "ffn_down": Type.Q4_0,
        },
        read_by_transformers=False,
    ),
    "qwen3-bf16": File(
        "qwen3",
        gguf.MODEL_ARCH.QWEN3,
        SMALL | {"head_dim": 24, "tie_word_embeddings": True},
        {"": Type.BF16},
        {"rope_type": "default", "rope_theta": 1000000.0},
        read_by_transformers=False,
    ),
    "qwen3-q8": File(
        "qwen3",
        gguf.MODEL_ARCH.QWEN3,
        SMALL | {"hidden_size": 64, "num_attention_heads": 1, "num_key_value_heads": 1}
        | {"head_dim": 128, "num_hidden_layers": 1},
        {"": Type.Q8_0},
    ),
    "qwen3moe-q8": File(
        "qwen3_moe",
        gguf.MODEL_ARCH.QWEN3MOE,
        SMALL
        | {
            "head_dim": 16,
            "moe_intermediate_size": 32,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "norm_topk_prob": True,
            "num_hidden_layers": 1,
        },
        {"": Type.Q8_0},
        read_by_transformers=False,
    ),
    "mixtral-q8": File(
        "mixtral",
        gguf.MODEL_ARCH.LLAMA,
        SMALL | {"num_local_experts": 4, "num_experts_per_tok": 2, "num_hidden_layers": 1},
        {"": Type.Q8_0},
        read_by_transformers=False,
    ),
}


def random_blocks(kind: Type, count: int, generator, scale: float = 0.02) -> numpy.ndarray:
    """Blocks of random bytes, but for their scales: those are small numbers."""
    size = gguf.GGML_QUANT_SIZES[kind][1]
    blocks = generator.integers(0, 256, (count, size), dtype=numpy.uint8)
    scales = generator.uniform(scale / 4, scale, (count, 2)).astype(numpy.float16)
    if kind == Type.Q6_K:
        # Its other scales are signed bytes, not six bits.
        blocks[:, -2:] = (scales[:, :1] / 8).view(numpy.uint8)
    elif kind in (Type.Q4_K, Type.Q5_K):
        blocks[:, :4] = scales.view(numpy.uint8)
    else:
        blocks[:, :2] = scales[:, :1].view(numpy.uint8)
    return blocks


def encode(values: numpy.ndarray, kind: Type, generator) -> tuple[numpy.ndarray, numpy.ndarray]:
    """A matrix as the file has it, and the values that it then stands for."""
    if kind not in DRAWN:
        data = gguf.quants.quantize(values, kind)
        return data, gguf.quants.dequantize(data, kind)
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    rows, width = values.shape
    blocks = random_blocks(kind, rows * width // elements, generator, scale=0.002)
    data = blocks.reshape(rows, width // elements * size)
    return data, gguf.quants.dequantize(data, kind)


def permuted(values: numpy.ndarray, heads: int) -> numpy.ndarray:
    """Rows i and i + d/2 of each head side by side, as llama.cpp has them."""
    shape = values.shape
    return values.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def split_tensors(made: File, state: dict):
    """The tensors of the file: name there, values; experts as gguf has them, gates beside ups."""
    names = gguf.get_tensor_name_map(made.arch, made.sizes["num_hidden_layers"])
    for name, tensor in state.items():
        values = tensor.numpy().astype(numpy.float32)
        if name == "lm_head.weight" and made.sizes["tie_word_embeddings"]:
            continue
        if name.endswith("experts.gate_up_proj"):
            block = "blk." + name.split(".")[2]
            gate, up = numpy.split(values, 2, axis=1)
            yield name, block + ".ffn_gate_exps.weight", gate, 0
            yield name, block + ".ffn_up_exps.weight", up, 1
        elif name.endswith("experts.down_proj"):
            yield name, f"blk.{name.split('.')[2]}.ffn_down_exps.weight", values, None
        elif name.endswith("mlp.gate.weight"):
            yield name, f"blk.{name.split('.')[2]}.ffn_gate_inp.weight", values, None
        else:
            yield name, names.get_name(name, try_suffixes=(".weight", ".bias")), values, None


def write_metadata(writer: gguf.GGUFWriter, made: File) -> None:
    sizes = made.sizes
    writer.add_name("tiny")
    writer.add_block_count(sizes["num_hidden_layers"])
    writer.add_context_length(sizes["max_position_embeddings"])
    writer.add_embedding_length(sizes["hidden_size"])
    writer.add_feed_forward_length(sizes["intermediate_size"])
    writer.add_head_count(sizes["num_attention_heads"])
    writer.add_head_count_kv(sizes["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(sizes["rms_norm_eps"])
    writer.add_rope_freq_base(made.rope["rope_theta"])
    writer.add_vocab_size(sizes["vocab_size"])
    if "head_dim" in sizes:
        writer.add_key_length(sizes["head_dim"])
        writer.add_value_length(sizes["head_dim"])
    if made.arch == gguf.MODEL_ARCH.LLAMA:
        writer.add_rope_dimension_count(sizes["hidden_size"] // sizes["num_attention_heads"])
    if made.rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(made.rope["factor"])
    if "num_experts_per_tok" in sizes:
        writer.add_expert_count(sizes.get("num_experts", sizes.get("num_local_experts")))
        writer.add_expert_used_count(sizes["num_experts_per_tok"])
        if "moe_intermediate_size" in sizes:
            writer.add_expert_feed_forward_length(sizes["moe_intermediate_size"])


def write_tokenizer(writer: gguf.GGUFWriter, name: str) -> None:
    """One of the tokenizers of tokenizer_fixtures.py."""
    path = FOLDER.parent / "tokenizers" / f"{name}.json"
    tokenizer = json.loads(path.read_text())["tokenizer"]
    tokens = dict(tokenizer["model"]["vocab"])
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    tokens |= special
    ordered = sorted(tokens, key=tokens.get)
    kinds = [gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL for t in ordered]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(ordered)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(special["<|begin|>"])
    writer.add_eos_token_id(special["<|end|>"])
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)


def write_model(made: File, path: Path, model, generator) -> dict:
    """Writes the file; the state that its weights stand for."""
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[made.arch])
    write_metadata(writer, made)
    if made.tokenizer:
        write_tokenizer(writer, made.tokenizer)
    if made.rope["rope_type"] == "llama3":
        plain = 1 / made.rope["rope_theta"] ** (numpy.arange(0, 8, 2) / 8)
        scaled = model.model.rotary_emb.inv_freq.numpy()
        writer.add_tensor("rope_freqs.weight", (plain / scaled).astype(numpy.float32))
    state, heads = {}, made.sizes["num_attention_heads"]
    for name, own, values, half in split_tensors(made, model.state_dict()):
        if made.arch == gguf.MODEL_ARCH.LLAMA and (".attn_q." in own or ".attn_k." in own):
            count = heads if ".attn_q." in own else made.sizes["num_key_value_heads"]
            back = numpy.argsort(permuted(numpy.arange(len(values)), count))
            values = permuted(values, count)
        else:
            back = numpy.arange(len(values))
        plain = values.ndim == 1 or "ffn_gate_inp" in own
        kind = Type.F32 if plain else [made.types[k] for k in made.types if k in own][-1]
        flat = values if values.ndim == 1 else values.reshape(-1, values.shape[-1])
        data, read = encode(flat, kind, generator)
        data = data.reshape(*values.shape[:-1], -1) if values.ndim > 1 else data
        writer.add_tensor(own, data, raw_dtype=kind)
        read = torch.from_numpy(read.reshape(values.shape)[back].copy())
        state[name] = read if half != 1 else torch.cat([state[name], read], dim=1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if made.sizes["tie_word_embeddings"]:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    return state


def answers(model, vocabulary: int, seed: int) -> list[dict] | None:
    """The answers to prompts of every length; nothing where a step has a near tie."""
    random, entries = Random(seed), []
    for length in PROMPT_LENGTHS:
        prompt = [random.randrange(vocabulary) for _ in range(length)]
        made = reference.generate(model, prompt, TOKENS, stops=set())
        if made.least_margin < reference.LEAST_MARGIN:
            return None
        logits = [round(value, 4) for value in made.first_logits.tolist()]
        entries.append(
            {"prompt_token_ids": prompt, "logits": logits, "token_ids": made.tokens}
        )
    return entries


@torch.no_grad()
def check_reading(path: Path, entries: list[dict]) -> None:
    """What transformers makes of the file itself must answer the same."""
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    ).eval()
    for entry in entries:
        logits = model(torch.tensor([entry["prompt_token_ids"]])).logits[0, -1]
        error = (logits - torch.tensor(entry["logits"])).abs().max().item()
        assert error < 1e-3, f"{path.name}: transformers reads it otherwise, by {error}"


def make(name: str, made: File) -> None:
    config = AutoConfig.for_model(
        made.family,
        architectures=[ARCHITECTURES[made.family]],
        rope_parameters=made.rope,
        eos_token_id=None,
        **made.sizes,
    )
    model = AutoModelForCausalLM.from_config(config).float().eval()
    randomize(model, torch.Generator().manual_seed(1), 0.25)
    path = FOLDER / f"{name}.gguf"
    state = write_model(made, path, model, numpy.random.default_rng(2))
    model.load_state_dict(state)
    tries = (answers(model, made.sizes["vocab_size"], seed) for seed in range(40))
    entries = next(found for found in tries if found is not None)
    if made.read_by_transformers:
        check_reading(path, entries)
    rows = ",\n".join(json.dumps(entry) for entry in entries)
    path.with_suffix(".json").write_text(f'{{"dtype": "float32", "prompts": [\n{rows}\n]}}\n')
    print(f"{name}: {path.stat().st_size / 1000:.0f} kB, {[e['token_ids'] for e in entries]}")


def make_blocks() -> None:
    """Random blocks of each type, and the bits of their elements."""
    generator, lines = numpy.random.default_rng(3), []
    for kind in (Type.Q4_0, Type.Q5_0, Type.Q8_0, Type.Q4_K, Type.Q5_K, Type.Q6_K):
        blocks = random_blocks(kind, 2, generator)
        values = gguf.quants.dequantize(blocks, kind).astype(numpy.float32)
        bits = values.view(numpy.uint32).flatten().tolist()
        lines.append(
            f'"{kind.name}": {{"bytes": "{blocks.tobytes().hex()}", "bits": {json.dumps(bits)}}}'
        )
    (FOLDER / "blocks.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


TEXTS = [
    "",
    " ",
    "The fixtures are committed",
    " two  blanks and a tail ",
    "tokens,\nlines\tand tabs",
    "naïve café — “quoted” 😀 漢字",
    "<s> is text here",
    "model.safetensors 12345 aaaaaaaaaaaaaaaaaaaaaaaaa",
]


def make_pieces() -> None:
    """A byte-pair vocabulary with byte fallback, its merges and tokens."""
    model = io.BytesIO()
    lines = (FOLDER.parent / "README.md").read_text().splitlines()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for line in lines if line),
        model_writer=model,
        model_type="bpe",
        vocab_size=400,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(len(pieces))
    tokens = [pieces.id_to_piece(i) for i in ids]
    scores = [pieces.get_score(i) for i in ids]
    kinds = [
        gguf.TokenType.UNKNOWN
        if pieces.is_unknown(i)
        else gguf.TokenType.CONTROL
        if pieces.is_control(i)
        else gguf.TokenType.BYTE
        if pieces.is_byte(i)
        else gguf.TokenType.NORMAL
        for i in ids
    ]
    skipped = [token for token, kind in zip(tokens, kinds) if kind != gguf.TokenType.NORMAL]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    merges = generate_merges(vocabulary, dict(zip(tokens, scores)), skipped)
    written = {"tokens": tokens, "scores": scores, "kinds": kinds, "merges": merges}
    written["encoded"] = [{"text": text, "ids": pieces.encode(text)} for text in TEXTS]
    rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in written.items())
    (FOLDER / "pieces.json").write_text("{\n" + rows + "\n}\n")


def main() -> None:
    torch.set_num_threads(2)
    FOLDER.mkdir(exist_ok=True)
    make_blocks()
    make_pieces()
    for name, made in FILES.items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, made)


if __name__ == "__main__":
    main()
