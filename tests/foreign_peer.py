#!/usr/bin/python3
"""A peer without any code of Trestle: says hello over ZeroMQ, calls `echo`, reads the reply.

Usage: foreign_peer.py TRESTLE [URI]   starts `TRESTLE serve --listen URI` and calls it
What the bytes mean: docs/wire_protocol.md, and "On the wire" in plugins/zmq/README.md.
"""
import os
import struct
import subprocess
import sys

import zmq

CALL = (7 << 20) | 5  # generation 7, slot 5
TEXT = b"hello from outside"


def frame(kind, header, payload=b"", flags=0):
    size = 8 + len(header) + len(payload)
    return struct.pack("<IBBH", size, kind, flags, len(header)) + header + payload


def packet(*frames):
    return b"TRSL" + struct.pack("<BBH", 1, 0, 0) + b"".join(frames)


def hello():
    fixed = struct.pack("<BBHIQ", 1, 1, 0, 1, 0) + os.urandom(16) + struct.pack("<Q", 1)
    return frame(1, fixed + os.urandom(16) + struct.pack("<II", 1 << 20, 0))


def request(name, payload):
    fixed = struct.pack("<QIBBHII", CALL, 0, 2, 0, 0, 5000, 0)  # with_response, bytes, 5 s
    return frame(2, fixed + struct.pack("<HH", 1, len(name)) + name, payload)


def frames_of(data):
    assert data[:5] == b"TRSL\x01", data[:5]
    at = 8
    while at < len(data):
        size, kind, _, header_bytes = struct.unpack_from("<IBBH", data, at)
        yield kind, data[at + 8:at + 8 + header_bytes], data[at + 8 + header_bytes:at + size]
        at += size


def call_echo(uri):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.setsockopt(zmq.RECONNECT_IVL, -1)  # a new connection would be a stranger
    socket.setsockopt(zmq.RCVTIMEO, 10000)
    socket.setsockopt(zmq.LINGER, 1000)
    socket.connect(uri.removeprefix("zmq+"))
    socket.send_multipart([b"", b"TZ1H" + struct.pack("<Q", 1 << 20)])
    socket.send(packet(hello(), request(b"echo", TEXT)))
    greeted = False
    while True:
        parts = socket.recv_multipart()
        if parts[0] == b"" and len(parts) > 1:  # what the transports say to each other
            greeted = greeted or parts[1].startswith(b"TZ1W")
            continue
        for kind, header, payload in frames_of(b"".join(parts)):
            if kind == 6 and struct.unpack_from("<Q", header)[0] == CALL:
                socket.send_multipart([b"", b"TZ1B" + bytes(8)])
                return greeted, payload


def main(tool, uri="zmq+tcp://127.0.0.1:0"):
    server = subprocess.Popen([tool, "serve", "--listen", uri], stdout=subprocess.PIPE, text=True)
    try:
        words = server.stdout.readline().split()
        greeted, reply = call_echo(next(word for word in words if "://" in word))
    finally:
        server.kill()
        server.wait()
    print(f"greeted: {greeted}, reply: {reply!r}")
    return 0 if greeted and reply == TEXT else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
