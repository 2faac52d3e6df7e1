#!/usr/bin/env python3
"""Measures a running `tern serve`: processor time per streamed token by thread, many requests at once,
and memory per open stream. It needs Python's standard library alone and reads /proc, so it runs on the
server's machine.

    tern serve Models/telemachus --port 8000 --disable-log-requests &
    Tools/measure-server.py --pid $! --url 127.0.0.1:8000 stream --streams 64 --tokens 256
    Tools/measure-server.py --pid $! --url 127.0.0.1:8000 burst --requests 1000
    Tools/measure-server.py --pid $! --url 127.0.0.1:8000 idle --streams 5000
    Tools/measure-server.py --pid $! --url 127.0.0.1:8000 soak --seconds 3600 --kill-every 30

`burst` asks each prompt alone first and compares. For `idle`, the server must have `--max-num-seqs 1` and
`--max-num-queued-reqs 6000`: one request keeps it busy, the others wait with their connections open. With
`--begun` every stream has told its first token, and the ranks' process is stopped by a signal while the
memory is read: then the server must have `--max-num-seqs 5200`. A stream that was refused ends `idle`.
"""

import argparse
import http.client
import json
import os
import re
import resource
import selectors
import signal
import socket
import threading
import time
from pathlib import Path


def thread_times(pid):
    """Processor time of every thread in nanoseconds, by its name without numbers."""
    times = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            spent = int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
        name = re.sub(r"[-0-9]+$", "", name)
        times[name] = times.get(name, 0) + spent
    return times


def children(pid):
    """The processes that a process started, whichever of its threads it was."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def resident_bytes(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"Rss:\s+(\d+) kB", text)[1]) * 1024


def request(body):
    data = json.dumps(body).encode()
    return (
        b"POST /v1/completions HTTP/1.1\r\nHost: tern\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data)
    ) + data


def opened(address, body):
    connection = socket.create_connection(address)
    connection.sendall(request(body))
    connection.setblocking(False)
    return connection


def answers(connections):
    """Everything that each connection says, to its end."""
    selector = selectors.DefaultSelector()
    texts = [bytearray() for _ in connections]
    for index, connection in enumerate(connections):
        selector.register(connection, selectors.EVENT_READ, index)
    left = len(connections)
    while left:
        for key, _ in selector.select():
            chunk = key.fileobj.recv(1 << 16)
            texts[key.data] += chunk
            if not chunk:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                left -= 1
    return texts


def stream(options):
    body = {
        "prompt": "Tell me", "max_tokens": options.tokens, "ignore_eos": True, "stream": True,
        "temperature": 0,
    }
    answers([opened(options.address, body) for _ in range(options.streams)])
    before = thread_times(options.pid)
    texts = answers([opened(options.address, body) for _ in range(options.streams)])
    after = thread_times(options.pid)
    events = sum(text.count(b"data: {") for text in texts)
    tokens = options.streams * options.tokens
    print(f"{tokens} tokens, {events} events")
    server = 0
    for name in sorted(after):
        spent = (after[name] - before.get(name, 0)) / tokens / 1000
        is_rank = name.startswith("tern-rank") or "worker" in name
        server += 0 if is_rank else spent
        print(f"  {name:<16}{spent:8.2f} us a token{'  (ranks)' if is_rank else ''}")
    print(f"  {'all but ranks':<16}{server:8.2f} us a token")


def answer(text):
    """The text of an answer that is no stream; nothing where it is no success."""
    head, _, rest = bytes(text).partition(b"\r\n\r\n")
    return json.loads(rest)["choices"][0]["text"] if b" 200 " in head[:20] else None


def burst(options):
    bodies = [
        {"prompt": f"What is {n % 100} + {n % 7}?", "max_tokens": 4, "temperature": 0,
         "ignore_eos": True}
        for n in range(options.requests)
    ]
    alone = {
        body["prompt"]: answer(answers([opened(options.address, body)])[0]) for body in bodies}
    start = time.monotonic()
    texts = answers([opened(options.address, body) for body in bodies])
    seconds = time.monotonic() - start
    wrong = 0
    for body, text in zip(bodies, texts):
        said = answer(text)
        wrong += said is None or said != alone[body["prompt"]]
    print(
        f"{options.requests} requests at once, {seconds:.1f} s, {wrong} refused or other than the "
        f"answer that each of the {len(alone)} prompts had alone")


def request_counts(address):
    """The requests that run and those that wait, by the server's own count."""
    connection = http.client.HTTPConnection(*address)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return [
        int(float(re.search(rf"^vllm:num_requests_{what}{{.*}} (\S+)$", text, re.M)[1]))
        for what in ("running", "waiting")]


def begun(connections, begin):
    """Reads what each connection says until all have begun as told; the bytes of each beginning.

    A connection that the server refused or closed is no stream: that ends the measurement."""
    heads = {connection: b"" for connection in connections}
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection, selectors.EVENT_READ)
    while not begin(heads.values()):
        for key, _ in selector.select(0.2):
            chunk = key.fileobj.recv(1 << 16)
            head = heads[key.fileobj] = heads[key.fileobj] or chunk
            if not chunk or not head.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"a stream was refused or ended: {head[:400].decode()}")
    selector.close()


def idle(options):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    body = {"prompt": "Tell me", "max_tokens": 4000, "ignore_eos": True, "stream": True}
    ranks = children(options.pid)

    def open_more(held, count):
        """Opens streams and waits until the server holds them all; the memory it has then."""
        held += [opened(options.address, body) for _ in range(count)]
        if options.begun:
            begun(held[-count:], lambda heads: all(heads))
        else:
            begun(held[-count:], lambda _: sum(request_counts(options.address)) == len(held))
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(2)
        return resident_bytes(options.pid)

    held = []
    before = open_more(held, 100)
    for pid in ranks:
        os.kill(pid, signal.SIGCONT)
    grown = open_more(held, options.streams) - before
    running, waiting = request_counts(options.address)
    print(
        f"{options.streams} streams: {grown / 2**20:.1f} MiB, "
        f"{grown / options.streams / 1024:.1f} KiB each; {running} run, {waiting} wait")
    for connection in held:
        connection.close()
    for pid in ranks:
        os.kill(pid, signal.SIGCONT)


def soak(options):
    """Streams of all kinds, round by round, while the ranks' process is killed: each must say what it
    said before the first kill."""
    bodies = [
        {"prompt": f"Count from {n} " * (1 + n * 7 % 19), "max_tokens": 4 + n * 13 % 60,
         "temperature": n % 2 * 0.9, "seed": n, "ignore_eos": True, "stream": True}
        for n in range(options.streams)
    ]

    def said(text):
        events = [json.loads(event) for event in re.findall(rb"data: ({.*})", text)]
        ended = b" 200 " in text[:20] and b"data: [DONE]" in text
        return ended, "".join(event["choices"][0]["text"] for event in events if event["choices"])

    def holdings():
        process = Path(f"/proc/{options.pid}")
        return (
            resident_bytes(options.pid) >> 20, len(list((process / "fd").iterdir())),
            len(list((process / "task").iterdir())))

    alone = [said(answers([opened(options.address, body)])[0]) for body in bodies]
    end = time.monotonic() + options.seconds
    kill = time.monotonic() + options.kill_every
    rounds = kills = lost = wrong = 0
    warm = None

    def killer():
        nonlocal kill, kills
        while time.monotonic() < end:
            time.sleep(0.05)
            if time.monotonic() >= kill:
                kill += options.kill_every
                for pid in children(options.pid):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1

    thread = threading.Thread(target=killer)
    thread.start()
    while time.monotonic() < end:
        for text, expected in zip(
                answers([opened(options.address, body) for body in bodies]), alone):
            ended, words = said(text)
            lost += not ended
            wrong += words != expected[1]
        rounds += 1
        if kills >= 2:
            warm = warm or holdings()
    thread.join()
    print(
        f"{rounds} rounds of {len(bodies)} streams, {kills} kills: {lost} lost, {wrong} with other "
        f"words; MiB, descriptors and threads {warm} after two kills, {holdings()} at the end")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--url", default="127.0.0.1:8000")
    parser.add_argument("what", choices=["stream", "burst", "idle", "soak"])
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--begun", action="store_true", help="idle: every stream has a token")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--kill-every", type=float, default=30)
    options = parser.parse_args()
    host, _, port = options.url.rpartition(":")
    options.address = (host.removeprefix("http://"), int(port))
    {"stream": stream, "burst": burst, "idle": idle, "soak": soak}[options.what](options)


main()
