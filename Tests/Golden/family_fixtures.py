"""Writes families/: tiny random checkpoints, and what transformers answers in float32.

    python3 family_fixtures.py [NAME...]

Each folder holds config.json, the weights, and expected.json: for every prompt the logits after
its last token, sixteen greedy tokens (no token stops them) and their log probabilities.
"""

import json
import shutil
import sys
from pathlib import Path
from random import Random

import torch

import reference
import tiny_models
from tiny_models import Checkpoint

FOLDER = Path(__file__).resolve().parent / "families"
TOKENS = 16
LLAMA = {
    "vocab_size": 131,
    "hidden_size": 96,
    "intermediate_size": 100,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
SMALL = LLAMA | {"hidden_size": 60, "intermediate_size": 76, "num_attention_heads": 3}
SMALL |= {"num_key_value_heads": 1}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
LINEAR = {"rope_type": "linear", "factor": 4.0}
SPARSE = SMALL | {
    "head_dim": 16,
    "moe_intermediate_size": 40,
    "num_local_experts": 7,
    "num_experts_per_tok": 3,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "norm_topk_prob": True,
}
MIXTRAL = SMALL | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None}

# Small ones: their traits are in layers, not in sizes.
TINY = LLAMA | {"hidden_size": 36, "intermediate_size": 52, "num_attention_heads": 4}
TINY |= {"num_key_value_heads": 2, "head_dim": 12}
GEMMA = TINY | {"tie_word_embeddings": True, "hidden_activation": "gelu_pytorch_tanh"}
GEMMA |= {"query_pre_attn_scalar": 10, "sliding_window": 16}
YARN = {
    "rope_type": "yarn",
    "factor": 4.0,
    "original_max_position_embeddings": 64,
    "beta_fast": 4.0,
    "beta_slow": 0.5,
}
DEEPSEEK = {
    "vocab_size": 131,
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
    "q_lora_rank": 20,
    "kv_lora_rank": 24,
    "qk_nope_head_dim": 12,
    "qk_rope_head_dim": 8,
    "v_head_dim": 14,
    "moe_intermediate_size": 20,
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "n_shared_experts": 2,
    "first_k_dense_replace": 1,
    "n_group": 4,
    "topk_group": 2,
    "routed_scaling_factor": 1.5,
}
FACTORS = {
    "rope_type": "longrope",
    "short_factor": [1.0, 1.5, 2.0, 2.5, 3.0, 4.0],
    "long_factor": [1.5, 3.0, 5.0, 8.0, 13.0, 20.0],
}

FAMILIES = {
    "llama": Checkpoint("llama", LLAMA, dtype=torch.bfloat16),
    "llama-linear": Checkpoint("llama", SMALL, rope=LINEAR, old_spelling=True),
    "llama-llama3": Checkpoint(
        "llama", SMALL | {"tie_word_embeddings": True}, LLAMA3, 500000.0, torch.float16
    ),
    "llama-llama3-old": Checkpoint(
        "llama", SMALL, LLAMA3, 500000.0, torch.bfloat16, old_spelling=True
    ),
    "llama-biases": Checkpoint(
        "llama", SMALL | {"attention_bias": True, "mlp_bias": True}, dtype=torch.float16
    ),
    "llama-head-dim": Checkpoint(
        "llama",
        SMALL | {"head_dim": 24, "num_attention_heads": 6, "num_key_value_heads": 2},
        dtype=torch.bfloat16,
        shards=3,
    ),
    "llama-tied": Checkpoint(
        "llama",
        LLAMA | {"tie_word_embeddings": True, "num_key_value_heads": 6},
        dtype=torch.bfloat16,
        old_spelling=True,
    ),
    "qwen2": Checkpoint(
        "qwen2",
        SMALL | {"num_hidden_layers": 3, "rms_norm_eps": 1e-6},
        theta=1000000.0,
        dtype=torch.bfloat16,
        seed=3,
    ),
    "qwen2-old": Checkpoint(
        "qwen2",
        LLAMA | {"tie_word_embeddings": True, "use_sliding_window": False},
        dtype=torch.bfloat16,
        old_spelling=True,
    ),
    "qwen3": Checkpoint(
        "qwen3",
        LLAMA | {"hidden_size": 60, "head_dim": 24, "rms_norm_eps": 1e-6},
        theta=1000000.0,
        dtype=torch.bfloat16,
        shards=2,
    ),
    "qwen3-old": Checkpoint(
        "qwen3",
        SMALL | {"head_dim": 16, "tie_word_embeddings": True, "attention_bias": False},
        theta=1000000.0,
        old_spelling=True,
    ),
    "qwen3-moe": Checkpoint("qwen3_moe", SPARSE, dtype=torch.bfloat16, seed=1),
    "qwen3-moe-fused": Checkpoint(
        "qwen3_moe",
        SPARSE | {"norm_topk_prob": False, "attention_bias": True},
        dtype=torch.bfloat16,
        fused=True,
    ),
    "qwen3-moe-dense-layers": Checkpoint(
        "qwen3_moe",
        SPARSE | {"num_hidden_layers": 4, "decoder_sparse_step": 2, "mlp_only_layers": [1]},
        dtype=torch.bfloat16,
        old_spelling=True,
    ),
    "mixtral": Checkpoint("mixtral", MIXTRAL, dtype=torch.bfloat16, old_spelling=True),
    # The same weights as "mixtral" in the other spelling.
    "mixtral-fused": Checkpoint("mixtral", MIXTRAL, dtype=torch.bfloat16, fused=True, shards=2),
    "llama-yarn": Checkpoint("llama", TINY, YARN, dtype=torch.bfloat16),
    "llama-mqa": Checkpoint(
        "llama",
        TINY
        | {"hidden_size": 42, "num_attention_heads": 7}
        | {"num_key_value_heads": 1, "head_dim": 6},
        dtype=torch.bfloat16,
    ),
    "mistral": Checkpoint("mistral", TINY | {"sliding_window": 20}, dtype=torch.bfloat16),
    "qwen2-windows": Checkpoint(
        "qwen2",
        TINY
        | {
            "num_hidden_layers": 3,
            "num_attention_heads": 14,
            "use_sliding_window": True,
            "sliding_window": 9,
            "max_window_layers": 1,
            "hidden_size": 84,
            "head_dim": 6,
        },
        dtype=torch.bfloat16,
        old_spelling=True,
    ),
    "phi3": Checkpoint("phi3", TINY | {"sliding_window": 33, "pad_token_id": 1}, dtype=torch.bfloat16),
    "phi3-longrope": Checkpoint(
        "phi3",
        TINY
        | {
            "pad_token_id": 1,
            "head_dim": 16,
            "hidden_size": 64,
            "partial_rotary_factor": 0.75,
            "original_max_position_embeddings": 32,
        },
        FACTORS | {"partial_rotary_factor": 0.75, "original_max_position_embeddings": 32},
        dtype=torch.bfloat16,
        lengths=(40, 70),
        std=0.18,
    ),
    "gemma2": Checkpoint(
        "gemma2",
        GEMMA | {"attn_logit_softcapping": 3.0, "final_logit_softcapping": 4.0},
        dtype=torch.bfloat16,
    ),
    "gemma3": Checkpoint(
        "gemma3_text",
        GEMMA | {"num_hidden_layers": 4, "sliding_window_pattern": 3, "rope_local_base_freq": 100},
        {"rope_type": "linear", "factor": 8.0},
        theta=100000.0,
        dtype=torch.bfloat16,
        old_spelling=True,
    ),
    "gpt-oss": Checkpoint(
        "gpt_oss",
        TINY
        | {"sliding_window": 16, "num_local_experts": 5, "num_experts_per_tok": 2}
        | {"attention_bias": True},
        YARN | {"truncate": False},
        dtype=torch.bfloat16,
        fused=True,
    ),
    "deepseek-v2": Checkpoint(
        "deepseek_v2",
        DEEPSEEK | {"topk_method": "group_limited_greedy", "norm_topk_prob": False},
        dtype=torch.bfloat16,
    ),
    "deepseek-v2-lite": Checkpoint(
        "deepseek_v2",
        # An epsilon that tells the norms of latent rows, whose own is fixed, from the others.
        DEEPSEEK
        | {"topk_method": "greedy", "q_lora_rank": None, "norm_topk_prob": False}
        | {"rms_norm_eps": 1e-2},
        YARN | {"mscale": 0.7, "mscale_all_dim": 0.7},
        dtype=torch.bfloat16,
    ),
    "deepseek-v3": Checkpoint(
        "deepseek_v3",
        DEEPSEEK | {"norm_topk_prob": True, "rms_norm_eps": 1e-2},
        YARN | {"mscale": 1.0, "mscale_all_dim": 0.8},
        dtype=torch.bfloat16,
        fused=True,
    ),
}


def expected(folder: Path, checkpoint: Checkpoint, seed: int) -> list[dict] | None:
    """The answers to prompts of each length; nothing where a step has a near tie."""
    model, random, entries = reference.load(folder), Random(seed), []
    for length in checkpoint.lengths:
        prompt = [random.randrange(checkpoint.sizes["vocab_size"]) for _ in range(length)]
        made = reference.generate(model, prompt, TOKENS, stops=set())
        if made.least_margin < reference.LEAST_MARGIN:
            return None
        entries.append(
            {
                "prompt_token_ids": prompt,
                "logits": [round(value, 4) for value in made.first_logits.tolist()],
                "token_ids": made.tokens,
                "logprobs": [round(value, 5) for value in made.logprobs],
            }
        )
    return entries


def main() -> None:
    torch.set_num_threads(2)
    for name, checkpoint in FAMILIES.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        folder = FOLDER / name
        shutil.rmtree(folder, ignore_errors=True)
        tiny_models.make(checkpoint, folder)
        tries = (expected(folder, checkpoint, seed) for seed in range(20))
        entries = next(found for found in tries if found is not None)
        rows = ",\n".join(json.dumps(entry) for entry in entries)
        (folder / "expected.json").write_text(f'{{"dtype": "float32", "prompts": [\n{rows}\n]}}\n')
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{name}: {size / 1000:.0f} kB, {[entry['token_ids'] for entry in entries]}")


if __name__ == "__main__":
    main()
