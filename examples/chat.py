#!/usr/bin/env python3
"""A conversation with a running server through the openai package (pip install openai).

    examples/chat.py
    OPENAI_BASE_URL=https://tern.example.com/v1 OPENAI_API_KEY=… examples/chat.py
"""

import os
import time

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
)
model = client.models.list().data[0].id
messages = []
print(f"{model}; an empty line ends")
while question := input("> ").strip():
    messages.append({"role": "user", "content": question})
    stream = client.chat.completions.create(
        model=model, messages=messages, temperature=0, stream=True,
        stream_options={"include_usage": True})
    answer, begin = "", time.monotonic()
    for chunk in stream:
        if chunk.choices:
            piece = chunk.choices[0].delta.content or ""
            answer += piece
            print(piece, end="", flush=True)
        elif chunk.usage:
            seconds = time.monotonic() - begin
            print(f"\n({chunk.usage.completion_tokens} tokens in {seconds:.2f} s)")
    messages.append({"role": "assistant", "content": answer})
