"""Peers that speak SP by hand, as far as they like."""
import contextlib
import socket
import struct

PUB, SUB, REQ, REP, PUSH, PULL = 0x20, 0x21, 0x30, 0x31, 0x50, 0x51
PARTNER = {"frames": PUSH, "calibrate": REQ, "control": REQ, "labels": SUB, "state": SUB}
PATIENCE = 60.0


def greeting(protocol):
    return b"\0SP\0" + struct.pack(">HH", protocol, 0)


def head(length, local=True):
    return (b"\x01" if local else b"") + struct.pack(">Q", length)


def request(body, number=1):
    """A REQ's message: the number of the request, then the body."""
    return struct.pack(">I", 0x80000000 | number) + body


class Peer:
    """A stream to one of the daemon's sockets. `place`: a path, or a tcp port of loopback."""

    def __init__(self, place, receive_buffer=None):
        self.local = not isinstance(place, int)
        self.socket = socket.socket(socket.AF_UNIX if self.local else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(place) if self.local else ("127.0.0.1", place))

    def greet(self, protocol):
        self.socket.sendall(greeting(protocol))
        return self

    def announce(self, length):
        self.socket.sendall(head(length, self.local))
        return self

    def say(self, data):
        """Sends bytes; whether all went out before the daemon closed."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def message(self, body):
        return self.say(head(len(body), self.local) + body)

    def hear(self, length):
        """So many bytes, or fewer if the daemon closes before."""
        data = b""
        while len(data) < length:
            try:
                part = self.socket.recv(length - len(data))
            except ConnectionResetError:
                break
            if not part:
                break
            data += part
        return data

    def hear_message(self):
        """The next message, or None at the end."""
        size = len(head(0, self.local))
        start = self.hear(size)
        return self.hear(struct.unpack(">Q", start[-8:])[0]) if len(start) == size else None

    def is_closed(self):
        """Waits until the daemon has closed it: what came before is passed over."""
        while True:
            try:
                if not self.socket.recv(1 << 16):
                    return True
            except ConnectionResetError:
                return True

    def is_open(self):
        """Whether the daemon has not closed it up to now."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(1 << 16):
                pass
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)

    def close(self):
        self.socket.close()


@contextlib.contextmanager
def crowd():
    """A list of peers that are all closed at the end."""
    peers = []
    try:
        yield peers
    finally:
        for peer in peers:
            peer.close()
