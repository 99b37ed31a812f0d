"""Servers and clients to fail: raw libzmq through pyzmq, and the tool `trestle`."""
import contextlib
import itertools
import pathlib
import random
import re
import socket
import subprocess
import sys
import time

import zmq

RAW_SERVER = """
import sys, time, zmq
router = zmq.Context().socket(zmq.ROUTER)
router.bind(sys.argv[1])
print("listening", router.last_endpoint.decode(), flush=True)
while True:
    who, message = router.recv_multipart()
    if message.startswith(b"sleep"):
        time.sleep(10)
    if not message.startswith(b"sink"):
        router.send_multipart([who, message])
"""


@contextlib.contextmanager
def started(command):
    """(process, URI) of a server, which is killed at the end if it still runs."""
    server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        yield server, server.stdout.readline().split()[-1]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def raw_server(uri="tcp://127.0.0.1:*"):
    return started([sys.executable, "-c", RAW_SERVER, uri])


def raw_client(uri, kind=zmq.DEALER):
    client = zmq.Context.instance().socket(kind)
    client.linger = 0
    client.connect(uri)
    return client


def echo_time(client, timeout_s=5.0):
    """Seconds that the echo of something took, or None: there was none."""
    start = time.monotonic()
    client.send(b"echo")
    if client.poll(timeout_s * 1000) == 0:
        return None
    client.recv()
    return time.monotonic() - start


class Tool:
    """The tool of one build."""

    def __init__(self, build):
        self.path = pathlib.Path(build) / "bin/trestle"

    def server(self, uri):
        return started([self.path, "serve", "--listen", uri])

    def start(self, *arguments):
        return subprocess.Popen([self.path, *map(str, arguments)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def call_time(self, uri):
        """Seconds of a call in a process of its own, connection and all; None: it failed."""
        start = time.monotonic()
        done = subprocess.run([self.path, "call", uri, "echo", "1"], capture_output=True,
                              check=False)
        return time.monotonic() - start if done.returncode == 0 else None

    def bench(self, uri, seconds):
        return self.start("bench", uri, "--mode", "oneway", "--size", 4096, "--seconds", seconds,
                          "--json")


def outcome_of(process):
    """What a run of the tool said at its end."""
    out, err = process.communicate(timeout=60)
    if not err.strip():
        return out
    said = err.strip().splitlines()[-1].removeprefix("trestle: ")
    said = re.sub(r" at [0-9a-f-]{36}", "", said)  # which instance it was
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", said)


def memory_mib(pid, what="VmHWM"):
    """VmHWM: the most that a process ever held; VmRSS: what it holds."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in status.splitlines()
                if line.startswith(what)) / 1024


def descriptors(pid):
    return sum(1 for _ in pathlib.Path(f"/proc/{pid}/fd").iterdir())


def strangers(uri, count):
    """Connections of whom every second one sends noise, and the others nothing."""
    host, port = uri.split("://")[1].rsplit(":", 1)
    noise = random.Random(1).randbytes(64)
    made = [socket.create_connection((host, int(port))) for _ in range(count)]
    for stranger in itertools.islice(made, 0, None, 2):
        stranger.sendall(noise)
    return made
