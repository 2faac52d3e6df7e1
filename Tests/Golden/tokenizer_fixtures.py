"""Makes the golden fixtures of TernTextTests with Hugging Face `tokenizers`.

Usage: python3 Tests/Golden/tokenizer_fixtures.py

Trains small tokenizers in the layouts of well-known families (those of characters and with further
patterns stand in tokenizer_families.py) and writes, for each, Tests/Golden/tokenizers/NAME.json: the tokenizer.json itself, texts with their token ids, and token
ids with their texts. Made with tokenizers 0.23.3; the training and the choice of ids are seeded.
"""

import json
import random
from pathlib import Path

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from tokenizer_families import FAMILIES

FOLDER = Path(__file__).parent / "tokenizers"

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CORPUS = [
    "Tell me, O muse, of that ingenious hero who travelled far and wide after he had sacked Troy.",
    "We're sure they've said it's what he'd do; I'm told you'll see. WE'RE SURE IT'S SO.",
    "for (int i = 0; i < 100; ++i) {\n    total += values[i];\r\n}\n\n\treturn total;\n",
    "In 1998, 12345 ships of 2024 sailed 3.14159 miles at 10:30.",
    "人之初性本善 吾輩は猫である。名前はまだ無い。 안녕하세요 세계",
    "Πες μου, θεά, τον άνδρα τον πολύτροπο. Скажи мне, муза, о том муже.",
    "السلام عليكم ورحمة الله وبركاته नमस्ते दुनिया สวัสดีชาวโลก",
    "café naïve Ångström résumé e\u0301 A\u030a Zürich straße",
    "👍🏽 👩‍👩‍👧‍👦 😀😃😄 🇬🇷🇺🇦 ❤️",
]

TEXTS = [
    "",
    " ",
    "a",
    "Hello, world!",
    "It is ignored, ignored.",
    "The hero travelled far and wide, didn't he? They've  seen   it    all.",
    "IT'S WE'VE I'LL it'S don'T 'sword ''s x'\u017f '\u017fx 'K",
    "1 12 123 1234 12345 1a2b3c ½ ² ١٢٣ Ⅻ 𝟙𝟚𝟛",
    "  leading, trailing  ",
    "tabs\tand\t\ttabs \t mixed\u00a0nbsp\u3000ideographic\u2003em\u180evowel\u200bzero",
    "line\nline\r\nline\rline\n\n\n  \n \r\n  \u0085\u2028\u2029end\n",
    " " * 57 + "x" + " " * 31,
    "\n" * 9 + " \n" * 5 + "\n ",
    "\x00\x01\x02\x07\x08\x0b\x0c\x1b[31mred\x7f\x9f",
    "👩‍👩‍👧‍👦👍🏽🇬🇷🇺🇦🏴󠁧󠁢󠁳󠁣󠁴󠁿 ❤️ 1️⃣ 🫠🪿",
    "人之初，性本善。吾輩は猫である。カタカナ ｶﾀｶﾅ 안녕하세요 한글 한",
    "السَّلامُ عَلَيْكُمْ ١٢٣ שָׁלוֹם \u200eltr\u200frtl\u202eover",
    "e\u0301 é A\u030a Å \u212b q\u0307\u0323 q\u0323\u0307 \u0301alone \u1100\u1161\u11a8 각 ﬁ ﬀ ß",
    "a\u0301\u0301\u0323\u0327\u0301z\u0345\u0301",
    "नमस्ते क्षत्रिय สวัสดี ကမ္ဘာ ᠮᠣᠩᠭᠣᠯ ꯍꯥꯏ",
    "𐐷𐑊 𝔘𝔫𝔦 🜁 \U0010fffd\ue000 \ufffd\ufeffbom \ufffe",
    "camelCase PascalCase HTTPServer iOS McDonald's ǅungla ʰʲ ªº",
    "https://example.org/a/b?c=d&e=f#g path/to/file.c //// \\\\ /\n/\r\n",
    "def f(x):\n    return {'a': [1, 2.5e-3], \"b\": None}  # done\n\n\n",
    "!!!???...,,,;;; --- ___ *** === <<<>>> (((())))",
    "<|begin|>Hello<|end|> <|begin|> <|end|><|end|>",
    "<|beg<|begin|>in|> <|begin |> <|BEGIN|> <|endless|> <|end|>less",
    "say  <|mid|>  word[MASK]word [MASK] [MASK]. _[MASK] é[MASK] x\u0301[MASK]\u200d",
    "a<tool>b  <tool>  c\n<tool>\t<tool>d café cafe\u0301 CAFÉ décafé",
    "abcabcabc" * 11,
    "ab" * 40 + "ba" * 40 + "aab" * 20,
    "\u0378\u0e00\U000e0fff unassigned \U0001e4d0\U00010d4a\U00031350\U0002ebf0 young \u1c89\ua7dc",
    "aged \u166d\u061d\u2e43 \U000111c9x\u1cf2y \U00016ff4\u088f1 x\u0345z",
]


def train(pre_tokenizer, normalizer=None, merges=300) -> Tokenizer:
    """A byte-level tokenizer trained on the corpus."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + merges,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 2, trainer)
    return tokenizer


def split(pattern: str) -> pre_tokenizers.PreTokenizer:
    """A pattern followed by ByteLevel, as Llama and Qwen have it."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def special(*contents: str) -> list[AddedToken]:
    """Special tokens without further flags."""
    return [AddedToken(content, special=True, normalized=False) for content in contents]


def begin_with(token: str, tokenizer: Tokenizer) -> processors.PostProcessor:
    """A template that begins texts with a token."""
    return processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single=f"{token} $A",
                pair=f"{token} $A {token} $B:1",
                special_tokens=[(token, tokenizer.token_to_id(token))],
            ),
        ]
    )


def gpt2() -> dict:
    """The pattern that ByteLevel brings along, a prefixed blank, merges as strings."""
    tokenizer = train(pre_tokenizers.ByteLevel(add_prefix_space=True))
    tokenizer.add_tokens(special("<|end|>"))
    tokenizer.post_processor = processors.RobertaProcessing(
        ("<|end|>", 556), ("<|end|>", 556)
    )
    description = json.loads(tokenizer.to_str())
    model = description["model"]
    model["merges"] = [" ".join(pair) for pair in model["merges"]]
    return description


def llama3() -> dict:
    """Whole words stay whole, a template begins texts."""
    tokenizer = train(split(LLAMA3))
    tokenizer.add_tokens(special("<|begin|>", "<|end|>"))
    tokenizer.post_processor = begin_with("<|begin|>", tokenizer)
    description = json.loads(tokenizer.to_str())
    description["model"]["ignore_merges"] = True
    vocabulary = description["model"]["vocab"]
    # A word to which no merges lead.
    last = max(vocabulary, key=vocabulary.get)
    vocabulary["Ġignored"] = vocabulary.pop(last)
    description["model"]["merges"] = [
        pair for pair in description["model"]["merges"] if "".join(pair) in vocabulary
    ]
    return description


def qwen2() -> dict:
    """NFC before the pattern."""
    tokenizer = train(split(QWEN2), normalizers.NFC())
    tokenizer.add_tokens(special("<|begin|>", "<|end|>"))
    return json.loads(tokenizer.to_str())


def o200k() -> dict:
    """The pattern that tells cases apart."""
    tokenizer = train(split(O200K))
    tokenizer.add_tokens(special("<|end|>"))
    return json.loads(tokenizer.to_str())


def flags() -> dict:
    """All flags of added tokens, in both forms of the text, and NFKC."""
    tokenizer = train(
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.Split(" ", "merged_with_next"),
                pre_tokenizers.Split(Regex(r"\p{L}+"), "contiguous", invert=True),
                pre_tokenizers.Split(Regex(r"[.;]"), "merged_with_previous"),
                pre_tokenizers.Split("#", "removed"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        ),
        normalizers.Sequence([normalizers.NFD(), normalizers.NFKC()]),
    )
    tokenizer.add_tokens(
        [
            AddedToken("[MASK]", special=True, normalized=False, single_word=True),
            AddedToken("<|mid|>", special=True, normalized=False, lstrip=True, rstrip=True),
            AddedToken("<tool>", normalized=False, rstrip=True),
            AddedToken("caf\u00e9", normalized=True),
            AddedToken("\u00e9", normalized=False, single_word=True),
            AddedToken("   ", normalized=False),
            AddedToken("      ", normalized=False),
            AddedToken("<|end|>", special=True, normalized=True, lstrip=True),
            AddedToken("abc", normalized=True, single_word=True),
            AddedToken("abcabc", normalized=True),
            AddedToken("hero", normalized=False),
        ]
    )
    return json.loads(tokenizer.to_str())


def without_controls(description: dict) -> dict:
    """The description with special pieces of a Unigram model spelled so that no text has them.

    The reference finds such pieces in text that is not to become control tokens; Tern does not.
    """
    description = json.loads(json.dumps(description))
    if description["model"]["type"] == "Unigram":
        specials = {token["content"] for token in description["added_tokens"] if token["special"]}
        for number, entry in enumerate(description["model"]["vocab"]):
            if entry[0] in specials:
                entry[0] = f"\U000f0000{number}\U000f0000"
        description["added_tokens"] = [
            token for token in description["added_tokens"] if not token["special"]
        ]
        description["post_processor"] = None
    return description


def fixture(description: dict, seed: int) -> dict:
    """A tokenizer with what the library makes of the texts and of random ids."""
    chance = random.Random(seed)
    tokenizer = Tokenizer.from_str(json.dumps(description))
    literal = Tokenizer.from_str(json.dumps(without_controls(description)))
    literal.encode_special_tokens = True
    size = tokenizer.get_vocab_size()
    encoded = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        encoded.append(
            {
                "text": text,
                "ids": ids,
                "ids_with_special": tokenizer.encode(text).ids,
                "ids_of_literal": literal.encode(text, add_special_tokens=False).ids,
                "decoded": tokenizer.decode(ids, skip_special_tokens=True),
                "decoded_with_special": tokenizer.decode(ids, skip_special_tokens=False),
            }
        )
    decoded = []
    for _ in range(60):
        ids = [chance.randrange(size + 3) for _ in range(chance.randrange(1, 40))]
        if chance.random() < 0.5:
            ids = [chance.choice(range(size)) if chance.random() < 0.1 else id % 256 for id in ids]
        decoded.append({"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=True)})
    return {"tokenizer": description, "encoded": encoded, "decoded": decoded}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made = {make.__name__: make() for make in [gpt2, llama3, qwen2, o200k, flags]}
    made |= {make.__name__: make(CORPUS) for make in FAMILIES}
    for seed, (name, description) in enumerate(made.items()):
        text = json.dumps(fixture(description, seed), ensure_ascii=True)
        (FOLDER / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
