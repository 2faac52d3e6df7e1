#!/usr/bin/env python3
"""Many prompts in one call, with logprobs, through the openai package: what scoring and evaluation
do. The answers to one seed are the same in every run and in any company."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
)
prompts = ["Tell me, O Muse,", "The son of Ulysses", "Circe said"]
reply = client.completions.create(
    model=client.models.list().data[0].id, prompt=prompts, max_tokens=24, temperature=0.8,
    seed=7, logprobs=1, extra_body={"min_p": 0.05})
for prompt, choice in zip(prompts, reply.choices):
    scores = choice.logprobs.token_logprobs
    print(f"{prompt}|{choice.text.strip()}  ({sum(scores) / len(scores):.2f} a token)")
print(reply.usage.total_tokens, "tokens")
