"""An SP socket without a library: when the daemon dies, its client knows at once."""
import socket
import struct
import time

import messages

PUB, SUB, REQ, REP = 0x20, 0x21, 0x30, 0x31


class Gone(Exception):
    """The other end is no more."""


class Wire:
    """One connection to an ipc socket of a daemon."""

    def __init__(self, path, own, seconds=20.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.number = 0x80000000
        try:
            self.socket.connect(str(path))
            self.socket.sendall(struct.pack(">4sHH", b"\0SP\0", own, 0))
        except OSError as fault:
            self.socket.close()
            raise Gone from fault
        self.take(8)

    def take(self, length):
        parts = b""
        while len(parts) < length:
            try:
                part = self.socket.recv(length - len(parts))
            except ConnectionError as fault:
                raise Gone from fault
            if not part:
                raise Gone
            parts += part
        return parts

    def send(self, body):
        try:
            self.socket.sendall(struct.pack(">BQ", 1, len(body)) + body)
        except ConnectionError as fault:
            raise Gone from fault

    def receive(self):
        _, length = struct.unpack(">BQ", self.take(9))
        return self.take(length)

    def request(self, message):
        """The answer to a message, of a connection made with REQ."""
        self.number += 1
        self.send(struct.pack(">I", self.number) + messages.pack(message))
        return messages.unpack(self.receive()[4:])

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
