"""A private labelcald for a test: real program, real sockets, its own directories."""
import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile

import yaml

from sanitizers import SANITIZED, check, checked, scaled

BUILD = pathlib.Path(os.environ.get("LABELCAL_BUILD", "build")).resolve()
LABELCALD = BUILD / "src" / "daemon" / "labelcald"
LABELCAL = BUILD / "src" / "cli" / "labelcal"
# The words that programs of this build are run under: an emulator, where this machine cannot.
WRAPPER = os.environ.get("LABELCAL_WRAPPER", "").split()


_ports_given = set()


def free_port():
    """A TCP port of loopback that nobody listens on now and that no other test of this process
    got: below those that the kernel gives to outgoing connections, of which one might take it
    before the daemon does."""
    while True:
        port = random.randrange(10240, 32000)
        if port in _ports_given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports_given.add(port)
        return port


class Daemon:
    """labelcald under test. Paths: .runtime, .state; .log() is its stderr so far."""

    def __init__(self, config=None, http=False, arguments=(), environment=None,
                 place="/tmp"):
        # Short: a unix socket's path has at most 107 bytes.
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="lc-", dir=place))
        self.runtime, self.state = self.top / "rt", self.top / "st"
        self.runtime.mkdir()
        self.state.mkdir()
        self.config = self.top / "labelcald.yaml"
        self.port = free_port() if http else None
        self.http = f"http://127.0.0.1:{self.port}" if http else None
        self.arguments, self.environment = list(arguments), dict(environment or {})
        self.process = self.notify = None
        self.write_config(config)

    def write_config(self, config):
        """Replaces the configuration file: a dict, text, or None for the defaults."""
        text = config if isinstance(config, str) else yaml.safe_dump(config) if config else ""
        self.config.write_text(text or "log:\n  level: debug\n")

    def command(self):
        return [*WRAPPER, str(LABELCALD), "--config", str(self.config),
                "--runtime-dir", str(self.runtime), "--state-dir", str(self.state),
                "--http", self.http or "off", *self.arguments]

    def start(self, wait=True):
        """Starts it; returns when it said READY=1 to its service manager (this test)."""
        path = self.top / "notify"
        path.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(path))
        environment = dict(os.environ, NOTIFY_SOCKET=str(path), **self.environment)
        with open(self.top / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), env=environment, stderr=log,
                                            stdin=subprocess.DEVNULL)
        if wait:
            self.wait_notify("READY=1")
        return self

    def wait_notify(self, word, seconds=20.0):
        """The next datagram to the service manager that has the line `word`."""
        self.notify.settimeout(0.1)
        for _ in range(int(scaled(seconds) / 0.1)):
            try:
                text = self.notify.recv(65536).decode()
            except TimeoutError:
                if self.process.poll() is not None:
                    raise AssertionError(f"labelcald ended with {self.process.returncode}:\n"
                                         + self.log()) from None
                continue
            if word in text.split("\n"):
                return text
        raise AssertionError(f"labelcald never said {word}:\n{self.log()}")

    def log(self):
        return (self.top / "log").read_text(errors="replace")

    def url(self, name):
        return f"ipc://{self.runtime}/{name}"

    def stop(self, sig=signal.SIGTERM, seconds=20.0):
        """Ends it by a signal; its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            code = self.process.wait(scaled(seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("labelcald did not stop:\n" + self.log()) from None
        self.process = None
        self.notify.close()
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    def run(self, *arguments, seconds=20.0):
        """Runs labelcald to its end (a refused start, --check-config); the completed process."""
        return checked(subprocess.run([*self.command(), *arguments], capture_output=True,
                                      text=True, timeout=scaled(seconds),
                                      env=dict(os.environ, **self.environment)))

    def cli(self, *arguments, seconds=60.0):
        """Runs `labelcal` against this daemon; the completed process."""
        return checked(subprocess.run(
            [*WRAPPER, str(LABELCAL), "--runtime-dir", str(self.runtime), *arguments],
            capture_output=True, text=True, timeout=scaled(seconds)))

    def close_process(self):
        """Ends the process if it still runs, however the test went."""
        if self.process is not None and self.process.poll() is None:
            # One that is killed loses its counts, and tells nothing of what it leaked.
            if SANITIZED or "LABELCAL_COVERAGE" in os.environ:
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(scaled(20))
            self.process.kill()
            self.process.wait()

    def close(self):
        """Ends all of it; fails the test if a sanitizer reported something about labelcald."""
        self.close_process()
        if self.notify is not None:
            self.notify.close()
        said = self.log() if (self.top / "log").exists() else ""
        shutil.rmtree(self.top, ignore_errors=True)
        check(said, "labelcald")
