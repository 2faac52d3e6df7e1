#!/usr/bin/env python3
"""Measures a running `tern serve`: processor time per streamed token by thread, many requests at once,
and memory per open stream. It needs Python's standard library alone and reads /proc, so it runs on the
server's machine.

    tern serve Models/telemachus --port 8000 --disable-log-requests &
    Tools/measure-server.py --pid $! --url 127.0.0.1:8000 stream --streams 64 --tokens 256
    Tools/measure-server.py --pid $! --url 127.0.0.1:8000 burst --requests 1000
    Tools/measure-server.py --pid $! --url 127.0.0.1:8000 idle --streams 5000

For `idle`, the server must have `--max-num-seqs 1` and `--max-num-queued-reqs 6000`: one request keeps
it busy, the others wait with their connections open.
"""

import argparse
import json
import re
import resource
import selectors
import socket
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


def burst(options):
    bodies = [
        {"prompt": f"What is {n % 100} + {n % 7}?", "max_tokens": 4, "temperature": 0,
         "ignore_eos": True}
        for n in range(options.requests)
    ]
    start = time.monotonic()
    texts = answers([opened(options.address, body) for body in bodies])
    seconds = time.monotonic() - start
    said = {}
    wrong = 0
    for body, text in zip(bodies, texts):
        head, _, rest = bytes(text).partition(b"\r\n\r\n")
        choice = json.loads(rest)["choices"][0]["text"] if b" 200 " in head[:20] else None
        wrong += choice is None or said.setdefault(body["prompt"], choice) != choice
    print(f"{options.requests} requests at once, {seconds:.1f} s, {wrong} refused or wrong")


def idle(options):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    body = {"prompt": "Tell me", "max_tokens": 100000, "ignore_eos": True, "stream": True}
    held = [opened(options.address, body) for _ in range(100)]
    time.sleep(1)
    before = resident_bytes(options.pid)
    held += [opened(options.address, body) for _ in range(options.streams)]
    time.sleep(2)
    grown = resident_bytes(options.pid) - before
    print(
        f"{options.streams} streams: {grown / 2**20:.1f} MiB, "
        f"{grown / options.streams / 1024:.1f} KiB each")
    for connection in held:
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--url", default="127.0.0.1:8000")
    parser.add_argument("what", choices=["stream", "burst", "idle"])
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--requests", type=int, default=1000)
    options = parser.parse_args()
    host, _, port = options.url.rpartition(":")
    options.address = (host.removeprefix("http://"), int(port))
    {"stream": stream, "burst": burst, "idle": idle}[options.what](options)


main()
