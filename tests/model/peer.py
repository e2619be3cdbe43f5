"""A synchronous SP client over unix sockets: it returns when the daemon has its greeting, and one
thread suffices. Thousands of short connections are cheap with it, and each step has one order."""
import os

import wire


class Peer(wire.Wire):
    """One connection of a socket of the daemon: push(), request() or take(), of bodies."""

    def __init__(self, runtime, name, seconds=20.0):
        super().__init__(os.path.join(runtime, name), wire.OWN[name], seconds)
        self.asks = wire.OWN[name] == wire.REQ

    def push(self, body):
        """Sends one message."""
        (self.begin if self.asks else self.send)(body)

    def take(self):
        """The next message."""
        return self.answer() if self.asks else self.receive()

    def request(self, body):
        self.push(body)
        return self.take()
