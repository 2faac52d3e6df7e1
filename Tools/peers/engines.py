"""The engines: each tells its figures of a point. A server or worker starts when it is first asked, is
stopped by a signal between its turns, so that no waiting thread takes a core, and ends with `close`.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from peers.client import LONGEST, Point, ask_all, prompts, seen
from peers.model_files import MAX_LENGTH, WORD, vocabulary

# What `serve` asks: 32 requests at once.
SERVE_POINT = Point("serve", 256, 64, 32)


class Process:
    """A child in a group of its own, which can be paused."""

    def __init__(self, command, log, environment, **streams):
        self.log = log
        self.command = [str(word) for word in command]
        with open(log, "ab") as file:
            streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file} | streams
            self.child = subprocess.Popen(
                self.command, env=os.environ | environment, start_new_session=True, **streams)

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.child.pid, number)

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    def close(self):
        self.resume()
        self.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(30)
        self.send(signal.SIGKILL)
        self.child.wait()

    def failure(self):
        return RuntimeError(f"{' '.join(self.command)} failed; its output is in {self.log}")


class Engine:
    """One engine at one precision. `family` says whom it is compared with: equal families."""

    def __init__(self, name, family, options, folder, config):
        self.name, self.family, self.options = name, family, options
        self.folder, self.config = folder, config
        self.log = folder / f"{name.replace(' ', '-')}.log"
        self.environment = {"OMP_NUM_THREADS": str(options.threads)}
        self.server = None

    def measure(self, point, salt):
        return self.ask_server(point, salt) if point.kind == "serve" else self.alone(point, salt)

    def greedy(self, prompt, output):
        port = self.started()
        text = ask_all(port, [prompt], output)[1][0].text
        self.server.pause()
        return text

    def ask_server(self, point, salt):
        port = self.started()
        asked = prompts(point, salt, self.config["vocab_size"])
        # Wakes what slept, with other tokens.
        ask_all(port, prompts(Point("decode", 16, 2, 2), ~salt, self.config["vocab_size"]), 2)
        figures = seen(point, *ask_all(port, asked, point.output))
        self.server.pause()
        return figures

    def started(self):
        """The port of the server, started or resumed."""
        if self.server:
            self.server.resume()
            return self.port
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        start = time.perf_counter()
        self.server = Process(self.serve_command(self.port), self.log, self.environment)
        while not self.is_ready():
            if self.server.child.poll() is not None or time.perf_counter() - start > 400:
                raise self.server.failure()
            time.sleep(0.1)
        print(f"{self.name} was ready after {time.perf_counter() - start:.1f} s", file=sys.stderr)
        return self.port

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).status == 200
        except OSError:
            return False

    def output(self, command):
        """What a command that measures once prints."""
        process = Process(command, self.log, self.environment, stdout=subprocess.PIPE)
        try:
            text = process.child.communicate(timeout=LONGEST)[0].decode()
        finally:
            process.close()
        if process.child.returncode:
            raise process.failure()
        return text

    def close(self):
        if self.server:
            self.server.close()
            self.server = None


class Tern(Engine):
    """`tern bench latency` and `tern serve`."""

    def __init__(self, *arguments, flags=()):
        super().__init__(*arguments)
        self.flags = [
            *flags, "--threads", self.options.threads, "--max-model-len", MAX_LENGTH,
            "--kv-cache-memory-bytes", 1 << 30]

    def alone(self, point, salt):
        shape = ["--input-len", point.prompt, "--output-len", point.output, "--batch-size", point.batch]
        report = json.loads(self.output([
            self.options.tern, "bench", "latency", self.folder, *shape, "--num-iters", 1, "--json",
            *self.flags]))
        return {"rate": report[f"{point.kind}_tokens_per_s"]}

    def serve_command(self, port):
        return [
            self.options.tern, "serve", self.folder, "--port", port, "--served-model-name", "model",
            "--disable-log-requests", *self.flags]


class Llama(Engine):
    """llama-batched-bench and llama-server."""

    def __init__(self, *arguments, file):
        super().__init__(*arguments)
        self.file = self.folder / file
        self.threads = ["-t", self.options.threads, "-tb", self.options.threads]

    def alone(self, point, salt):
        lines = self.output([
            self.options.llama / "llama-batched-bench", "-m", self.file, "-c",
            point.batch * (point.prompt + point.output), "-npp", point.prompt, "-ntg", point.output - 1,
            "-npl", point.batch, "--output-format", "jsonl", *self.threads]).splitlines()
        report = next(json.loads(line) for line in lines if line.startswith('{"n_kv_max"'))
        return {"rate": report["speed_pp" if point.kind == "prefill" else "speed_tg"]}

    def serve_command(self, port):
        return [
            self.options.llama / "llama-server", "-m", self.file, "--port", port, "-np", SERVE_POINT.batch,
            "-c", SERVE_POINT.batch * (SERVE_POINT.prompt + SERVE_POINT.output + 64),
            "--cache-ram", 0, "--no-webui", *self.threads]


class VLLM(Engine):
    """Its server, for every point. Left to itself it would keep a core for its scheduler."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        cores = sorted(os.sched_getaffinity(0))[: self.options.threads]
        self.environment = {
            "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, cores)), "VLLM_CPU_KVCACHE_SPACE": "1",
            "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}

    def alone(self, point, salt):
        return self.ask_server(point, salt)

    def serve_command(self, port):
        return [
            self.options.vllm, "-m", "vllm.entrypoints.openai.api_server", "--model", self.folder,
            "--port", port, "--served-model-name", "model", "--dtype", "bfloat16",
            "--max-model-len", MAX_LENGTH, "--max-num-seqs", 64, "--no-enable-prefix-caching"]


class Transformers(Engine):
    """transformers_worker.py in a python that has torch."""

    def __init__(self, *arguments, dtype):
        super().__init__(*arguments)
        self.dtype = dtype

    def ask_worker(self, request):
        if not self.server:
            worker = Path(__file__).with_name("transformers_worker.py")
            command = [self.options.transformers, worker, self.folder, self.dtype]
            self.server = Process(
                command, self.log, self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.server.resume()
        self.server.child.stdin.write(json.dumps(request).encode() + b"\n")
        self.server.child.stdin.flush()
        line = self.server.child.stdout.readline()
        if not line:
            raise self.server.failure()
        self.server.pause()
        return json.loads(line)

    def alone(self, point, salt):
        asked = prompts(point, salt, self.config["vocab_size"])
        told = self.ask_worker({"prompts": asked, "output": point.output})
        return {"rate": point.prompt / told["first_s"] if point.kind == "prefill"
                else point.batch * (point.output - 1) / told["next_s"]}

    def greedy(self, prompt, output):
        tokens = self.ask_worker({"prompts": [prompt], "output": output})["tokens"][0]
        words = vocabulary(self.config)
        return "".join(words[token].replace(WORD, " ") for token in tokens)


def engines(options, folder, config):
    """Every engine whose path is known, Tern's first; the filter names parts of names."""
    place = (options, folder, config)
    # Others round inputs to bfloat16 too where weights are of it: medium precision is theirs.
    listed = [
        Tern("tern bf16", "16 bits", *place, flags=["--matmul-precision", "medium"]),
        Tern("tern bf16, float32 inputs", "float32 inputs", *place)]
    known = subprocess.run([options.tern, "serve", "--help"], capture_output=True, text=True).stdout
    if "--quantization" in known:
        listed.append(Tern("tern int8", "8 bits", *place, flags=["--quantization", "int8"]))
    if options.llama:
        listed.append(Llama("llama.cpp bf16", "16 bits", *place, file="model-bf16.gguf"))
        listed.append(Llama("llama.cpp Q8_0", "8 bits", *place, file="model-q8_0.gguf"))
    if options.vllm:
        listed.append(VLLM("vllm bf16", "16 bits", *place))
    if options.transformers:
        listed.append(Transformers("transformers bf16", "16 bits", *place, dtype="bfloat16"))
        listed.append(Transformers("transformers fp32", "float32 inputs", *place, dtype="float32"))
    return [one for one in listed if any(part in one.name for part in options.engines.split(","))]
