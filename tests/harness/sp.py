"""SP sockets of two foreign libraries behind one interface: libnng and libnanomsg, by ctypes.

Each end-to-end test runs over both. Neither shares code with the daemon's own wire room.
"""
import ctypes
import time

from sanitizers import scaled


class Timeout(Exception):
    """Nothing came, or nothing could be sent, in time."""


class SpError(Exception):
    """The library refused a call."""


class Nanomsg:
    """A socket of libnanomsg 1.1.5."""

    PROTOCOLS = {"push": 80, "pull": 81, "pub": 32, "sub": 33, "req": 48, "rep": 49}
    _library = None

    @classmethod
    def library(cls):
        if cls._library is None:
            lib = ctypes.CDLL("libnanomsg.so.5", use_errno=True)
            lib.nn_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
            lib.nn_recv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
            lib.nn_freemsg.argtypes = [ctypes.c_void_p]
            lib.nn_setsockopt.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int,
                                          ctypes.c_void_p, ctypes.c_size_t]
            cls._library = lib
        return cls._library

    def __init__(self, protocol, timeout=5.0):
        self.lib = self.library()
        self.protocol = self.PROTOCOLS[protocol]
        self.socket = self.lib.nn_socket(1, self.protocol)
        if self.socket < 0:
            raise SpError("nn_socket")
        self._int(0, 16, -1)  # NN_RCVMAXSIZE: no limit
        self.set_timeout(timeout)
        if protocol == "req":
            self._int(self.protocol, 1, 3600 * 1000)  # NN_REQ_RESEND_IVL: the tests retry themselves

    def _int(self, level, option, value):
        number = ctypes.c_int(value)
        if self.lib.nn_setsockopt(self.socket, level, option, ctypes.byref(number), 4) < 0:
            raise SpError(f"nn_setsockopt {level} {option}")

    def set_timeout(self, seconds):
        self._int(0, 4, int(scaled(seconds) * 1000))
        self._int(0, 5, int(scaled(seconds) * 1000))

    def dial(self, url):
        if self.lib.nn_connect(self.socket, url.encode()) < 0:
            raise SpError(f"nn_connect {url}")
        return self

    def listen(self, url):
        if self.lib.nn_bind(self.socket, url.encode()) < 0:
            raise SpError(f"nn_bind {url}")
        return self

    def subscribe(self, topic):
        if self.lib.nn_setsockopt(self.socket, 33, 1, topic, len(topic)) < 0:
            raise SpError("nn_setsockopt NN_SUB_SUBSCRIBE")
        return self

    def send(self, body):
        if self.lib.nn_send(self.socket, body, len(body), 0) < 0:
            raise Timeout("nn_send")

    def recv(self):
        pointer = ctypes.c_void_p()
        length = self.lib.nn_recv(self.socket, ctypes.byref(pointer), ctypes.c_size_t(-1).value, 0)
        if length < 0:
            raise Timeout("nn_recv")
        body = ctypes.string_at(pointer, length)
        self.lib.nn_freemsg(pointer)
        return body

    def close(self):
        if self.socket >= 0:
            self.lib.nn_close(self.socket)
            self.socket = -1


class _NngSocket(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


class Nng:
    """A socket of libnng 1.5.2."""

    OPEN = {"push": "nng_push0_open", "pull": "nng_pull0_open", "pub": "nng_pub0_open",
            "sub": "nng_sub0_open", "req": "nng_req0_open", "rep": "nng_rep0_open"}
    NONBLOCK, ALLOC = 2, 1
    _library = None

    @classmethod
    def library(cls):
        if cls._library is None:
            lib = ctypes.CDLL("libnng.so.1")
            lib.nng_dial.argtypes = [_NngSocket, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
            lib.nng_listen.argtypes = [_NngSocket, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
            lib.nng_send.argtypes = [_NngSocket, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
            lib.nng_recv.argtypes = [_NngSocket, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
            lib.nng_free.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
            lib.nng_socket_set.argtypes = [_NngSocket, ctypes.c_char_p, ctypes.c_char_p,
                                           ctypes.c_size_t]
            lib.nng_socket_set_ms.argtypes = [_NngSocket, ctypes.c_char_p, ctypes.c_int32]
            lib.nng_close.argtypes = [_NngSocket]
            lib.nng_strerror.restype = ctypes.c_char_p
            cls._library = lib
        return cls._library

    def __init__(self, protocol, timeout=5.0):
        self.lib = self.library()
        self.socket = _NngSocket()
        self._check(getattr(self.lib, self.OPEN[protocol])(ctypes.byref(self.socket)), "open")
        self.open = True
        self.set_timeout(timeout)
        self._ms("reconnect-time-min", 0.1)
        if protocol == "req":
            self._ms("req:resend-time", 3600)

    def _check(self, code, what):
        if code in (5, 8):  # NNG_ETIMEDOUT, NNG_EAGAIN
            raise Timeout(what)
        if code:
            raise SpError(f"{what}: {self.lib.nng_strerror(code).decode()}")

    def _ms(self, option, seconds):
        self._check(self.lib.nng_socket_set_ms(self.socket, option.encode(), int(seconds * 1000)),
                    option)

    def set_timeout(self, seconds):
        self._ms("send-timeout", scaled(seconds))
        self._ms("recv-timeout", scaled(seconds))

    def dial(self, url):
        self._check(self.lib.nng_dial(self.socket, url.encode(), None, self.NONBLOCK), "dial")
        return self

    def listen(self, url):
        self._check(self.lib.nng_listen(self.socket, url.encode(), None, 0), "listen")
        return self

    def subscribe(self, topic):
        self._check(self.lib.nng_socket_set(self.socket, b"sub:subscribe", topic, len(topic)),
                    "subscribe")
        return self

    def send(self, body):
        self._check(self.lib.nng_send(self.socket, body, len(body), 0), "send")

    def recv(self):
        pointer, length = ctypes.c_void_p(), ctypes.c_size_t()
        self._check(self.lib.nng_recv(self.socket, ctypes.byref(pointer), ctypes.byref(length),
                                      self.ALLOC), "recv")
        body = ctypes.string_at(pointer, length.value)
        self.lib.nng_free(pointer, length)
        return body

    def close(self):
        if self.open:
            self.lib.nng_close(self.socket)
            self.open = False


LIBRARIES = {"nng": Nng, "nanomsg": Nanomsg}


def wait_until(condition, seconds=10.0, step=0.02):
    """The first true value of condition(); Timeout if it stays false."""
    end = time.monotonic() + scaled(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout("the condition stayed false")
        time.sleep(step)
