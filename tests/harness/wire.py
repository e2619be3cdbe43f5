"""An SP socket without a library: when the daemon dies, its client knows at once."""
import socket
import struct
import time

import messages

PUB, SUB, REQ, REP, PUSH = 0x20, 0x21, 0x30, 0x31, 0x50
# What a client of the daemon's sockets is.
OWN = {"frames": PUSH, "calibrate": REQ, "labels": SUB, "state": SUB, "control": REQ}


class Gone(Exception):
    """The other end is no more."""


class Wire:
    """One connection to an ipc socket of a daemon. What takes longer than `seconds` raises
    TimeoutError."""

    def __init__(self, path, own, seconds=20.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.number = 0x80000000
        try:
            self.socket.connect(str(path))
            self.socket.sendall(struct.pack(">4sHH", b"\0SP\0", own, 0))
            greeting = self.read(8)
        except TimeoutError:
            self.close()
            raise
        except (OSError, Gone) as fault:
            self.close()
            raise Gone(str(fault)) from fault
        assert greeting[:4] == b"\0SP\0", f"{path}: that is no greeting"

    def read(self, length):
        """So many bytes."""
        parts = bytearray()
        while len(parts) < length:
            try:
                part = self.socket.recv(length - len(parts))
            except ConnectionError as fault:
                raise Gone(str(fault)) from fault
            if not part:
                raise Gone("closed")
            parts += part
        return bytes(parts)

    def send(self, body):
        try:
            self.socket.sendall(struct.pack(">BQ", 1, len(body)) + body)
        except ConnectionError as fault:
            raise Gone(str(fault)) from fault

    def receive(self):
        """The next message's body."""
        kind, length = struct.unpack(">BQ", self.read(9))
        assert kind == 1, "the daemon sent a broken head"
        return self.read(length)

    def begin(self, body):
        """Sends a request, of a connection made with REQ."""
        self.number += 1
        self.send(struct.pack(">I", self.number) + body)

    def answer(self):
        """The body of the answer to it."""
        body = self.receive()
        assert body[:4] == struct.pack(">I", self.number), "an answer to something else"
        return body[4:]

    def request(self, message):
        """The answer to a message."""
        self.begin(messages.pack(message))
        return messages.unpack(self.answer())

    def close(self):
        self.socket.close()


def connect(path, own, seconds=10.0):
    """A Wire to a socket that may not be listening yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            return Wire(path, own)
        except Gone:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
