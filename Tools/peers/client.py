"""The client: the same for every server. It asks in the completions format of OpenAI's API with token ids,
reads bytes and the time, and looks only afterwards at what they say.
"""

import asyncio
import json
import random
import re
import statistics
import time
from dataclasses import dataclass

from peers.model_files import FIRST_WORD

LONGEST = 600  # seconds


@dataclass(frozen=True)
class Point:
    """What is measured: sequences at once with equal lengths."""

    kind: str
    prompt: int
    output: int
    batch: int

    @property
    def name(self):
        lengths = f" {self.prompt}" if self.kind == "prefill" else f" b{self.batch}"
        return self.kind + lengths


def prompts(point, salt, vocabulary_size):
    """Random words for every sequence of a point, the same for the same salt."""
    generator = random.Random(salt)
    words = range(FIRST_WORD, vocabulary_size)
    return [generator.choices(words, k=point.prompt) for _ in range(point.batch)]


@dataclass(frozen=True)
class Answer:
    first: float
    last: float
    text: str


async def ask(port, prompt, output):
    """One streamed completion, greedy and to its full length."""
    body = json.dumps({
        "model": "model", "prompt": prompt, "max_tokens": output, "temperature": 0, "ignore_eos": True,
        "stream": True}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(
        b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    received, first, last = [], None, None
    while data := await reader.read(1 << 16):
        received.append(data)
        if b'"text"' in data:
            last = time.perf_counter()
            first = first or last
    writer.close()
    answer = b"".join(received).decode(errors="replace")
    events = [json.loads(event) for event in re.findall(r"^data: (\{.*\})\r?$", answer, re.MULTILINE)]
    choices = [choice for event in events for choice in event.get("choices", [])]
    if not choices or choices[-1].get("finish_reason") != "length":
        raise RuntimeError(f"port {port}: the answer does not end at its length:\n{answer[-2000:]}")
    return Answer(first, last, "".join(choice["text"] for choice in choices))


def ask_all(port, asked, output):
    """When they were asked, all at once, and their answers."""

    async def gathered():
        async with asyncio.timeout(LONGEST):
            return await asyncio.gather(*(ask(port, prompt, output) for prompt in asked))

    start = time.perf_counter()
    answers = asyncio.run(gathered())
    return start, answers


def seen(point, start, answers):
    """The figures of a point from its answers."""
    end = max(answer.last for answer in answers)
    begun = max(answer.first for answer in answers)
    match point.kind:
        case "prefill":
            return {"rate": point.prompt / (begun - start)}
        case "decode":
            return {"rate": point.batch * (point.output - 1) / (end - begun)}
        case "serve":
            gaps = [(answer.last - answer.first) / (point.output - 1) for answer in answers]
            return {
                "rate": point.batch * point.output / (end - start),
                "ttft_s": statistics.median(answer.first - start for answer in answers),
                "tpot_s": statistics.median(gaps)}
