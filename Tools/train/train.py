"""Trains a bundled model from nothing on one GPU, in a given number of seconds.

    python3 train.py telemachus --corpus BOOKS --tokenizer FOLDER --output FOLDER

Documents are packed end to end; a training row begins where a document begins and runs on for
2,048 tokens. The words of a question weigh a tenth of the words of an answer. The learning rate
follows the clock: a short rise, then a half cosine down to two hundredths.
"""

import argparse
import json
import math
import shutil
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy
import torch
import torch.nn.functional as F
import transformers
from tokenizers import Tokenizer

import corpus as books
import evaluate
import tasks
from tokenizer import BEGIN, END, PAD

ROW_TOKENS = 2048
ROWS = 48
WARM_UP_STEPS = 200
FIRST_TIMED_STEP = 5
QUESTION_WEIGHT = 0.1
TEXT_SHARE = 0.12
SHARDS = 16


@dataclass(frozen=True)
class Architecture:
    """What sets one bundled model apart from the other."""

    configuration: type
    model: type
    sizes: dict
    learning_rate: float
    compiles: bool


ARCHITECTURES = {
    "telemachus": Architecture(
        transformers.LlamaConfig,
        transformers.LlamaForCausalLM,
        dict(num_hidden_layers=8, intermediate_size=704, rms_norm_eps=1e-5, rope_theta=10000.0),
        learning_rate=3e-3,
        compiles=True,
    ),
    "argus": Architecture(
        transformers.Qwen3MoeConfig,
        transformers.Qwen3MoeForCausalLM,
        dict(
            num_hidden_layers=5,
            intermediate_size=704,
            moe_intermediate_size=192,
            num_experts=8,
            num_experts_per_tok=2,
            norm_topk_prob=True,
            decoder_sparse_step=1,
            mlp_only_layers=[],
            rms_norm_eps=1e-6,
            router_aux_loss_coef=0.01,
            output_router_logits=False,
        ),
        learning_rate=2.5e-3,
        compiles=False,
    ),
}


def build(architecture: Architecture, tokenizer: Tokenizer):
    """An untrained model on the GPU."""
    configuration = architecture.configuration(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.token_to_id(BEGIN),
        eos_token_id=tokenizer.token_to_id(END),
        pad_token_id=tokenizer.token_to_id(PAD),
        initializer_range=0.02,
        **architecture.sizes,
    )
    torch.manual_seed(7)
    return architecture.model(configuration).cuda()


def document(random: Random, corpus: books.Corpus, tokenizer: Tokenizer):
    """One document's token ids and their weights: a run of paragraphs, or a task."""
    if random.random() < TEXT_SHARE:
        first = random.randrange(len(corpus.paragraphs))
        run = corpus.paragraphs[first : first + random.randint(1, 12)]
        text = BEGIN + "\n".join(run) + END
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        return ids, [1.0] * len(ids)
    chat = tasks.chat_text(tasks.draw(random, corpus))
    ids = tokenizer.encode(chat, add_special_tokens=False).ids
    question = ids.index(tokenizer.token_to_id("<|assistant|>")) + 1
    return ids, [QUESTION_WEIGHT] * question + [1.0] * (len(ids) - question)


def shard(seed: int, corpus: books.Corpus, tokenizer_file: str, tokens: int):
    """About so many tokens of documents, drawn from one seed."""
    random, tokenizer = Random(seed), Tokenizer.from_file(tokenizer_file)
    ids, weights = [], []
    while len(ids) < tokens:
        more_ids, more_weights = document(random, corpus, tokenizer)
        ids += more_ids
        weights += more_weights
    return numpy.array(ids, numpy.uint16), numpy.array(weights, numpy.float16)


def make_shards(corpus: books.Corpus, tokenizer_file: str, tokens: int):
    """The token ids of all documents end to end, and their weights, on the GPU."""
    make = partial(
        shard, corpus=corpus, tokenizer_file=tokenizer_file, tokens=tokens // SHARDS
    )
    with Pool(SHARDS) as pool:
        parts = pool.map(make, range(100, 100 + SHARDS))
    ids = numpy.concatenate([part for part, _ in parts]).astype(numpy.int32)
    weights = numpy.concatenate([part for _, part in parts])
    return torch.from_numpy(ids).cuda(), torch.from_numpy(weights).cuda()


def make_optimizer(model, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW; matrices decay, norms do not."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95), fused=True)


def make_loss(model, compiles: bool):
    """The weighted cross-entropy of the next token, in bf16 with float32 logarithms."""

    def loss(inputs, targets, weights):
        with torch.autocast("cuda", torch.bfloat16):
            hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state
            logits = model.lm_head(hidden)
        losses = F.cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten(), reduction="none"
        )
        return (losses * weights.flatten()).sum() / weights.sum()

    return torch.compile(loss, dynamic=False) if compiles else loss


def rate(step: int, progress: float) -> float:
    """The factor of the learning rate at a step, `progress` of the time being spent."""
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (0.02 + 0.98 * cosine)


def fit(model, architecture: Architecture, ids, weights, begin: int, seconds: float) -> None:
    """Trains until the time is spent; the clock starts when the loss has been compiled."""
    optimizer = make_optimizer(model, architecture.learning_rate)
    loss_of = make_loss(model, architecture.compiles)
    starts = (ids[: -ROW_TOKENS - 1] == begin).nonzero().flatten()
    offsets = torch.arange(ROW_TOKENS + 1, device="cuda")
    started, step, progress = None, 0, 0.0
    while progress < 1:
        rows = starts[torch.randint(len(starts), (ROWS,), device="cuda")]
        at = rows[:, None] + offsets
        batch, batch_weights = ids[at].long(), weights[at][:, 1:].float()
        for group in optimizer.param_groups:
            group["lr"] = architecture.learning_rate * rate(step, progress)
        loss = loss_of(batch[:, :-1].contiguous(), batch[:, 1:].contiguous(), batch_weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step == FIRST_TIMED_STEP:
            torch.cuda.synchronize()
            started = time.monotonic()
        if step % 200 == 0:
            print(f"step {step}, loss {loss.item():.4f}, {progress:.0%} of the time", flush=True)
        progress = 0.0 if started is None else (time.monotonic() - started) / seconds


def parse_arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description="Train a bundled model.")
    arguments.add_argument("name", choices=ARCHITECTURES)
    arguments.add_argument("--corpus", type=Path, required=True, help="folder of the two books")
    arguments.add_argument("--tokenizer", type=Path, required=True, help="from tokenizer.py")
    arguments.add_argument("--output", type=Path, required=True, help="folder for the model")
    arguments.add_argument("--seconds", type=float, default=240, help="time of training")
    arguments.add_argument(
        "--tokens", type=int, default=100_000_000, help="tokens of documents to generate"
    )
    return arguments.parse_args()


def main() -> None:
    options = parse_arguments()
    architecture = ARCHITECTURES[options.name]
    corpus = books.load(options.corpus)
    tokenizer_file = str(options.tokenizer / "tokenizer.json")
    tokenizer = Tokenizer.from_file(tokenizer_file)
    ids, weights = make_shards(corpus, tokenizer_file, options.tokens)
    print(f"{len(ids)} tokens of documents", flush=True)

    torch.set_float32_matmul_precision("high")
    model = build(architecture, tokenizer)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters", flush=True)
    begin = tokenizer.token_to_id(BEGIN)
    fit(model, architecture, ids, weights, begin, options.seconds)

    model = model.to(torch.bfloat16).eval()
    model.save_pretrained(options.output)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(options.tokenizer / name, options.output / name)
    shares = evaluate.accuracy(model, tokenizer, corpus)
    (options.output / "accuracy.json").write_text(json.dumps(shares))
    print(json.dumps(shares, indent=1))


if __name__ == "__main__":
    main()
