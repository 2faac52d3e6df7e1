"""Small tokenizers in the layouts of well-known families, for tokenizer_fixtures.py.

Each function returns the description that a tokenizer.json of the family would hold, trained on
the few lines of the caller. They are made of characters, with SentencePiece's way with blanks, or
of bytes with patterns of their own.
"""

import base64
import json
import struct

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

BLANK = "\u2581"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]

DEEPSEEK_V2 = [
    "[\r\n]",
    "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293"
    "\u0370-\u0373\u0386\u0388-\u03ff\u0400-\u0481\u1f00-\u1f15\uff21-\uff3a\U00010400-\U0001044f]+",
    "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
    "\\s+$",
    "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
]
DEEPSEEK_V3 = [
    r"\p{N}{1,3}",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def special(*contents: str, **flags) -> list[AddedToken]:
    """Special tokens."""
    return [AddedToken(content, special=True, normalized=False, **flags) for content in contents]


def described(tokenizer: Tokenizer) -> dict:
    """The description of a tokenizer."""
    return json.loads(tokenizer.to_str())


def pairs_of_characters(corpus, merges, extra=BYTES, splits=True, unknown="<unk>") -> Tokenizer:
    """A byte-pair encoding of characters, with tokens for bytes that no merge makes."""
    tokenizer = Tokenizer(models.BPE(unk_token=unknown))
    tokenizer.normalizer = normalizers.Replace(" ", BLANK)
    if splits:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    specials = [unknown, "<s>", "</s>", *extra]
    trainer = trainers.BpeTrainer(
        vocab_size=len(specials) + merges,
        limit_alphabet=70,
        special_tokens=specials,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus * 2, trainer)
    description = described(tokenizer)
    description["added_tokens"] = description["added_tokens"][:3]
    description["pre_tokenizer"] = None
    description["model"] |= {"byte_fallback": bool(extra), "fuse_unk": True}
    return Tokenizer.from_str(json.dumps(description))


def sentencepiece_decoder(strips=True) -> decoders.Decoder:
    """The decoder of models that were made from SentencePiece's."""
    steps = [decoders.Replace(BLANK, " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strips else []))


def begin(token="<s>", id=1, end=None) -> processors.PostProcessor:
    """A template that begins texts with a token."""
    return processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B:1", special_tokens=[(token, id)]
    )


def llama2(corpus) -> dict:
    """Blanks by normalizers, byte fallback, no pre-tokenizer."""
    tokenizer = pairs_of_characters(corpus, 300)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(BLANK), normalizers.Replace(" ", BLANK)]
    )
    tokenizer.add_tokens(special("<|end|>", rstrip=True) + [AddedToken("hero", normalized=True)])
    tokenizer.decoder = sentencepiece_decoder()
    tokenizer.post_processor = begin()
    return described(tokenizer)


def mistral3(corpus) -> dict:
    """Blanks by Metaspace without splitting, before the first word only."""
    tokenizer = pairs_of_characters(corpus, 300)
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.add_tokens(special("[INST]", "[/INST]", "<|end|>"))
    tokenizer.decoder = sentencepiece_decoder()
    tokenizer.post_processor = begin()
    return described(tokenizer)


def gemma(corpus) -> dict:
    """Merges across blanks, runs of line ends as added tokens, nothing prepended."""
    lines = [line.replace(" ", "  ", 3) for line in corpus]
    tokenizer = pairs_of_characters(lines, 300, splits=False)
    tokenizer.normalizer = normalizers.Replace(" ", BLANK)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.add_tokens(
        [AddedToken("\n" * count, normalized=False) for count in range(2, 6)]
        + [AddedToken(BLANK * count, normalized=False) for count in (2, 3)]
        + special("<start_of_turn>", "<|end|>")
    )
    tokenizer.decoder = sentencepiece_decoder(strips=False)
    tokenizer.post_processor = begin()
    return described(tokenizer)


def unknowns(corpus) -> dict:
    """Tokens for some bytes only, unknown characters one by one, added tokens of all flags."""
    tokenizer = pairs_of_characters(corpus, 200, extra=BYTES[:128] + BYTES[0xC2:0xC4] + BYTES[0x80:0xA0])
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Strip(),
            normalizers.NFD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"\s{2,}|[\r\n]"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation("merged_with_previous"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Metaspace(prepend_scheme="first"),
        ]
    )
    tokenizer.add_tokens(
        special("<|end|>", lstrip=True)
        + [
            AddedToken("HERO", normalized=True),
            AddedToken("caf\u00e9", normalized=True, single_word=True),
            AddedToken("wide", normalized=False, rstrip=True),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.ByteFallback(),
            decoders.Strip("o", 0, 1),
            decoders.Strip("e", 1, 0),
            decoders.Metaspace(),
        ]
    )
    description = described(tokenizer)
    description["model"]["fuse_unk"] = False
    return description


def character_map(entries: dict[str, str]) -> str:
    """SentencePiece's double array of replacements, in Base64."""
    texts = b""
    root: dict = {}
    for source, target in sorted(entries.items()):
        node = root
        for byte in source.encode():
            node = node.setdefault(byte, {})
        node[None] = len(texts)
        texts += target.encode() + b"\0"
    units = {0: 0}
    used = {0}

    def place(node: dict, at: int) -> None:
        labels = [0 if byte is None else byte for byte in node]
        # An offset differs from its node's place in the low 21 bits.
        offset = next(
            place
            for place in range(1, 1 << 20)
            if all(place ^ label not in used for label in labels)
        )
        used.update(offset ^ label for label in labels)
        units[at] |= (at ^ offset) << 10 | (0x100 if None in node else 0)
        for byte, child in node.items():
            units[offset ^ (byte or 0)] = 1 << 31 | child if byte is None else byte
        for byte, child in node.items():
            if byte is not None:
                place(child, offset ^ byte)

    place(root, 0)
    count = (max(units) // 256 + 1) * 256
    array = b"".join(struct.pack("<I", units.get(index, 0)) for index in range(count))
    return base64.b64encode(struct.pack("<I", len(array)) + array + texts).decode()


MAP = {
    "\u212b": "\u00c5", "\ufb01": "fi", "\u00bd": "1\u20442", "\t": " ", "\n": " ", "\u00a0": " ",
    "\u3000": " ", "\u200b": "", "\u0007": "", "e\u0301": "\u00e9", "A\u030a": "\u00c5",
    "\uff76": "\u30ab", "\r": " ", "\U0001d7d9": "1", "a": "a", "ij": "\u0133",
}


def unigram(corpus, pieces: int) -> Tokenizer:
    """A Unigram model."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=pieces,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus * 4, trainer)
    return tokenizer


def t5(corpus) -> dict:
    """Unigram pieces behind SentencePiece's map of characters."""
    tokenizer = unigram(corpus, 300)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(base64.b64decode(character_map(MAP))),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), BLANK),
        ]
    )
    tokenizer.add_tokens(special("<extra_id_0>", "<|end|>"))
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return described(tokenizer)


def unigram_bytes(corpus) -> dict:
    """Unigram pieces with tokens for bytes, many equal scores and paths, no splitting."""
    tokenizer = unigram(corpus, 250)
    description = described(tokenizer)
    model = description["model"]
    model["vocab"] = [[piece, round(score * 2) / 2] for piece, score in model["vocab"]]
    model["vocab"] += [[piece, 0.0] for piece in BYTES]
    model["byte_fallback"] = True
    description["pre_tokenizer"] = {
        "type": "Metaspace", "replacement": BLANK, "prepend_scheme": "never", "split": False,
    }
    description["normalizer"] = {"type": "NFKC"}
    description["decoder"] = json.loads(
        sentencepiece_decoder(strips=False).__getstate__().decode()
    )
    return description


def words(corpus) -> dict:
    """Words and punctuation as such, unknown characters left out."""
    tokenizer = pairs_of_characters(corpus, 200, extra=[])
    tokenizer.normalizer = normalizers.NFD()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation()]
    )
    description = described(tokenizer)
    description["model"]["unk_token"] = None
    return description


def bytes_by(patterns, corpus, merges=200) -> Tokenizer:
    """A byte-level encoding behind patterns."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + merges,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus * 2, trainer)
    return tokenizer


def deepseek2(corpus) -> dict:
    """Six patterns in a row, digits one by one."""
    tokenizer = bytes_by(DEEPSEEK_V2, corpus)
    description = described(tokenizer)
    description["pre_tokenizer"]["pretokenizers"].insert(
        5, {"type": "Digits", "individual_digits": True}
    )
    return description


def deepseek3(corpus) -> dict:
    """Three patterns in a row, control tokens with full-width bars."""
    tokenizer = bytes_by(DEEPSEEK_V3, corpus)
    tokenizer.add_tokens(
        special("<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<|end|>")
        + [AddedToken("<think>", normalized=False)]
    )
    return described(tokenizer)


def tekken(corpus) -> dict:
    """Mistral's pattern, words that are tokens stay whole."""
    tokenizer = bytes_by([TEKKEN], corpus)
    tokenizer.add_tokens(special("[INST]", "<|end|>"))
    description = described(tokenizer)
    description["model"]["ignore_merges"] = True
    return description


FAMILIES = [
    llama2, mistral3, gemma, unknowns, t5, unigram_bytes, words, deepseek2, deepseek3, tekken,
]
