"""Trains the byte-level BPE tokenizer of the bundled models and writes its two files.

    python3 tokenizer.py --corpus BOOKS --output FOLDER

The vocabulary is learned from the books, twice over, and from 20,000 generated tasks. Digits are
tokens of their own, so that sums are learned digit by digit.
"""

import argparse
import json
from pathlib import Path
from random import Random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import corpus as books
import tasks

VOCABULARY = 4096
BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"
SPECIAL = [BEGIN, END, "<|system|>", "<|user|>", "<|assistant|>", PAD]

# Contractions, words with the mark before them, single digits, marks, line ends, blanks.
PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    r"|[^\r\n\p{L}\p{N}]?\p{L}+"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] not in ['system', 'user', 'assistant'] %}"
    "{{ raise_exception('roles are system, user and assistant, not ' + message['role']) }}"
    "{% endif %}"
    "<|{{ message['role'] }}|>{{ message['content'] | trim }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

CONFIGURATION = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": BEGIN,
    "eos_token": END,
    "pad_token": PAD,
    "model_max_length": 4096,
    "clean_up_tokenization_spaces": False,
    "chat_template": CHAT_TEMPLATE,
}


def train(corpus: books.Corpus) -> Tokenizer:
    """Learns the vocabulary; the special tokens take its last six ids."""
    random = Random(1)
    text = list(corpus.paragraphs) * 2
    for _ in range(20000):
        task = tasks.draw(random, corpus)
        text += [task.question, task.answer]

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def main() -> None:
    arguments = argparse.ArgumentParser(description="Train the tokenizer of the bundled models.")
    arguments.add_argument("--corpus", type=Path, required=True, help="folder of the two books")
    arguments.add_argument("--output", type=Path, required=True, help="folder for the two files")
    options = arguments.parse_args()

    corpus = books.load(options.corpus)
    tokenizer = train(corpus)
    options.output.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.output / "tokenizer.json"))
    configuration = json.dumps(CONFIGURATION, indent=1)
    (options.output / "tokenizer_config.json").write_text(configuration)

    tokens = sum(len(encoded.ids) for encoded in tokenizer.encode_batch(corpus.paragraphs))
    characters = sum(map(len, corpus.paragraphs))
    print(f"vocabulary {tokenizer.get_vocab_size()}, {characters} characters in {tokens} tokens")


if __name__ == "__main__":
    main()
