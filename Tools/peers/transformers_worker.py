"""Generates greedily with transformers, a request and an answer a line: `transformers_worker.py FOLDER
DTYPE`, in a python that has torch. It counts the threads as OpenMP does.
"""

import json
import os
import sys
import time

import torch
import transformers


def main(folder, dtype):
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()

    def generate(asked, output):
        tokens = torch.tensor(asked)
        start, cache, told = time.perf_counter(), None, []
        for _ in range(output):
            result = model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = result.past_key_values
            tokens = result.logits[:, -1].argmax(-1, keepdim=True)
            told.append(tokens)
            if len(told) == 1:
                first = time.perf_counter()
        return first - start, time.perf_counter() - first, torch.cat(told, 1).tolist()

    with torch.inference_mode():
        generate([[300] * 16], 2)
        for line in sys.stdin:
            request = json.loads(line)
            first, following, tokens = generate(request["prompts"], request["output"])
            print(json.dumps({"first_s": first, "next_s": following, "tokens": tokens}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
