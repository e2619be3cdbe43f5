"""A plain SP peer over unix sockets: it sees exactly when the daemon closes, and waits no longer
than it is told, which the SP libraries hide behind their own reconnecting."""
import socket
import struct

import messages

PROTOCOLS = {"frames": 0x50, "calibrate": 0x30, "labels": 0x21, "state": 0x21, "control": 0x30}


class Closed(Exception):
    """The daemon ended the connection, or does not take one."""


class Silent(Exception):
    """Nothing came in time."""


class Peer:
    """One connection to one of the daemon's sockets."""

    def __init__(self, runtime, name, seconds):
        self.name, self.number = name, 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        try:
            self.socket.connect(f"{runtime}/{name}")
            self.socket.sendall(struct.pack(">4sHH", b"\0SP\0", PROTOCOLS[name], 0))
            self._take(8)
        except TimeoutError:
            self.close()
            raise Silent(f"{name}: no greeting") from None
        except OSError as fault:
            self.close()
            raise Closed(f"{name}: {fault}") from None
        except (Closed, Silent):
            self.close()
            raise

    def _take(self, size):
        got = bytearray()
        while len(got) < size:
            try:
                part = self.socket.recv(size - len(got))
            except TimeoutError:
                raise Silent(self.name) from None
            except OSError as fault:
                raise Closed(f"{self.name}: {fault}") from None
            if not part:
                raise Closed(f"{self.name}: closed")
            got += part
        return bytes(got)

    def send(self, body):
        try:
            self.socket.sendall(struct.pack(">BQ", 1, len(body)) + body)
        except TimeoutError:
            raise Silent(self.name) from None
        except OSError as fault:
            raise Closed(f"{self.name}: {fault}") from None

    def receive(self):
        """The next message's body."""
        kind, length = struct.unpack(">BQ", self._take(9))
        assert kind == 1 and length < 1 << 24, "the daemon sent a broken head"
        return self._take(length)

    def request(self, message):
        """The answer's map."""
        self.number += 1
        head = struct.pack(">I", 0x80000000 | self.number)
        self.send(head + messages.pack(message))
        body = self.receive()
        assert body[:4] == head, "an answer to something else"
        return messages.unpack(body[4:])

    def published(self, seconds):
        """The next (topic, map) of a PUB socket."""
        self.socket.settimeout(seconds)
        return messages.split(self.receive())

    def close(self):
        self.socket.close()
