"""A synchronous SP client over unix sockets: it returns when the daemon has its greeting, and one
thread suffices. Thousands of short connections are cheap with it, and each step has one order."""
import os
import socket
import struct

NUMBERS = {"frames": 0x50, "calibrate": 0x30, "labels": 0x21, "control": 0x30}
REQUEST = struct.pack(">I", 0x80000001)  # of REQ and REP: one request at a time, so one number


class Gone(Exception):
    """The daemon closed the connection."""


class Peer:
    """One connection of a socket of the daemon: push(), request() or take()."""

    def __init__(self, runtime, name, seconds=20.0):
        self.asks = NUMBERS[name] == 0x30
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(os.path.join(runtime, name))
        self.socket.sendall(struct.pack(">4sHH", b"\0SP\0", NUMBERS[name], 0))
        if self._read(8)[:4] != b"\0SP\0":
            raise AssertionError(f"{name}: that is no greeting")

    def _read(self, length):
        body = bytearray()
        while len(body) < length:
            piece = self.socket.recv(length - len(body))
            if not piece:
                raise Gone()
            body += piece
        return bytes(body)

    def push(self, body):
        """Sends one message."""
        head = REQUEST if self.asks else b""
        self.socket.sendall(struct.pack(">BQ", 1, len(head) + len(body)) + head + body)

    def take(self):
        """The next message."""
        _, length = struct.unpack(">BQ", self._read(9))
        body = self._read(length)
        if self.asks:
            assert body[:4] == REQUEST, body[:4]
            return body[4:]
        return body

    def request(self, body):
        self.push(body)
        return self.take()

    def close(self):
        self.socket.close()
