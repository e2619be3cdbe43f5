"""A plain SP peer over unix sockets: it sees exactly when the daemon closes, and waits no longer
than it is told, which the SP libraries hide behind their own reconnecting."""
import contextlib

import messages
import wire


class Closed(Exception):
    """The daemon ended the connection, or does not take one."""


class Silent(Exception):
    """Nothing came in time."""


@contextlib.contextmanager
def told(name):
    """How a connection ended, in the words of this suite."""
    try:
        yield
    except TimeoutError:
        raise Silent(name) from None
    except (OSError, wire.Gone) as fault:
        raise Closed(f"{name}: {fault}") from None


class Peer(wire.Wire):
    """One connection to one of the daemon's sockets."""

    def __init__(self, runtime, name, seconds):
        self.name = name
        with told(name):
            super().__init__(f"{runtime}/{name}", wire.OWN[name], seconds)

    def read(self, length):
        assert length < 1 << 24, "the daemon sent a broken head"
        return super().read(length)

    def send(self, body):
        with told(self.name):
            super().send(body)

    def receive(self):
        with told(self.name):
            return super().receive()

    def published(self, seconds):
        """The next (topic, map) of a PUB socket."""
        self.socket.settimeout(seconds)
        return messages.split(self.receive())
