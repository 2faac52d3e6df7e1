"""The text the bundled models learn from: Samuel Butler's Iliad and Odyssey.

Reads the two plain-text files of Project Gutenberg (2199 and 1727) and cuts them into paragraphs
and sentences. It knows nothing of tasks, tokens or models.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ODYSSEY = "odyssey.txt"
ILIAD = "iliad.txt"

# Typographic marks are folded, so that a vocabulary of 4,096 tokens is not spent on them.
PLAIN_MARKS = {"“": '"', "”": '"', "‘": "'", "’": "'", "—": " - "}


@dataclass(frozen=True)
class Corpus:
    """Paragraphs in the order of the books, and the sentences of middling length in them."""

    paragraphs: list[str]
    sentences: list[str]


def load(folder: Path) -> Corpus:
    """Reads `odyssey.txt` and `iliad.txt` from a folder, in that order."""
    found = [
        paragraph
        for name in (ODYSSEY, ILIAD)
        for paragraph in paragraphs((folder / name).read_text(encoding="utf-8-sig"))
    ]
    return Corpus(found, sentences(found))


def body(text: str) -> str:
    """The 24 books alone, without preface, contents, footnotes and the publisher's frame."""
    starts = [match.start() for match in re.finditer(r"^BOOK I\.?\s*$", text, re.MULTILINE)]
    if not starts:
        raise ValueError("corpus: no line 'BOOK I'; expected the plain-text file of the book")
    end = re.search(r"^(FOOTNOTES|\*\*\* ?END)", text[starts[-1] :], re.MULTILINE)
    return text[starts[-1] :][: end.start() if end else None]


def paragraphs(text: str) -> list[str]:
    """Paragraphs of more than 60 characters, on one line each, without footnote marks."""
    found = []
    for paragraph in re.split(r"\n\s*\n", body(text)):
        paragraph = re.sub(r"\[\d+\]", "", paragraph)
        paragraph = re.sub(r"\s+", " ", paragraph).strip()
        for mark, plain in PLAIN_MARKS.items():
            paragraph = paragraph.replace(mark, plain)
        if len(paragraph) > 60:
            found.append(paragraph)
    return found


def sentences(paragraphs: list[str]) -> list[str]:
    """Sentences between 20 and 240 characters."""
    return [
        sentence
        for paragraph in paragraphs
        for sentence in re.split(r"(?<=[.?!])\s+", paragraph)
        if 20 < len(sentence) < 240
    ]
