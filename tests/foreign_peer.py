#!/usr/bin/python3
"""A peer without any code of Trestle: says hello over ZeroMQ, calls `echo`, reads the reply.

Usage: foreign_peer.py TRESTLE [URI]   starts `TRESTLE serve --listen URI` and calls it
What the bytes mean: docs/wire_protocol.md, and "On the wire" in plugins/zmq/README.md.
"""
import struct
import subprocess
import sys

import zmq

CALL = (7 << 20) | 5  # generation 7, slot 5
TEXT, INSTANCE = b"hello from outside", bytes(range(16))


def frame(kind, header, body=b""):
    return struct.pack("<IBBH", 8 + len(header) + len(body), kind, 0, len(header)) + header + body


def call_of_echo():
    hello = struct.pack("<BBHIQ16sQ16sII", 1, 1, 0, 1, 0, INSTANCE, 1, INSTANCE, 1 << 20, 0)
    request = struct.pack("<QIBBHIIHH4s", CALL, 0, 2, 0, 0, 5000, 0, 1, 4, b"echo")  # 5 s
    return b"TRSL" + struct.pack("<BBH", 1, 0, 0) + frame(1, hello) + frame(2, request, TEXT)


def reply_in(packet):
    assert packet[:5] == b"TRSL\x01", packet[:5]
    at = 8
    while at < len(packet):
        size, kind, _, header_bytes = struct.unpack_from("<IBBH", packet, at)
        if kind == 6 and struct.unpack_from("<Q", packet, at + 8)[0] == CALL:
            return packet[at + 8 + header_bytes:at + size]
        at += size
    return None


def call_echo(uri):
    socket = zmq.Context().socket(zmq.DEALER)
    socket.reconnect_ivl, socket.rcvtimeo = -1, 10000  # a new connection would be a stranger
    socket.connect(uri.removeprefix("zmq+"))
    socket.send_multipart([b"", b"TZ1H" + struct.pack("<Q", 1 << 20)])
    socket.send(call_of_echo())
    assert socket.recv_multipart()[1].startswith(b"TZ1W")
    while (reply := reply_in(socket.recv())) is None:
        pass
    socket.send_multipart([b"", b"TZ1B" + bytes(8)])
    return reply


def main(tool, uri="zmq+tcp://127.0.0.1:0"):
    server = subprocess.Popen([tool, "serve", "--listen", uri], stdout=subprocess.PIPE, text=True)
    try:
        reply = call_echo(server.stdout.readline().split()[-1])
    finally:
        server.kill()
    assert reply == TEXT, reply


main(*sys.argv[1:])
