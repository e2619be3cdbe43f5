"""Small real disks that fill up, fail or become read-only; unmounted however a test ends."""
import contextlib
import errno
import fcntl
import os
import pathlib
import subprocess
import tempfile

import pytest

F_ADD_SEALS, F_SEAL_WRITE = 1033, 8  # of linux/fcntl.h


def call(*command, descriptors=()):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          pass_fds=descriptors)


def need(*command, descriptors=()):
    """The output of a command without which the test cannot be: skipped loudly."""
    try:
        done = call(*command, descriptors=descriptors)
    except FileNotFoundError as fault:
        pytest.skip(f"cannot make the disk here: {fault}")
    if done.returncode:
        pytest.skip(f"cannot make the disk here: {command[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def unmount(place):
    if os.path.ismount(place) and call("umount", place).returncode:
        call("umount", "--lazy", place)


def fill(path):
    """Writes a file until there is no space left."""
    with open(path, "wb", buffering=0) as filler:
        for block in (4096, 512):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(block))
    return path


@contextlib.contextmanager
def tmpfs(place, options):
    """A tmpfs mounted at a place."""
    if os.geteuid():
        pytest.skip("mounting a disk needs root")
    try:
        need("mount", "-t", "tmpfs", "-o", options, "none", place)
        yield
    finally:
        unmount(place)


@contextlib.contextmanager
def ext4(place, image, descriptors=(), options="errors=continue", make=True):
    """An ext4 without a journal, mounted at a place from an image."""
    if os.geteuid():
        pytest.skip("mounting a disk needs root")
    loop = None
    try:
        if make:
            need("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-b", "4096", image,
                 descriptors=descriptors)
        loop = need("losetup", "--find", "--show", image, descriptors=descriptors)
        need("mount", "-o", options, loop, place)
        yield loop
    finally:
        unmount(place)
        if loop:
            call("losetup", "--detach", loop)


class Sealable:
    """A disk's image in memory that can be made to refuse every write, for ever."""

    def __init__(self, size):
        self.fd = os.memfd_create("disk", os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, size)
        self.path = f"/proc/self/fd/{self.fd}"

    def break_it(self):
        """From now on the disk gives EIO for what is written to it."""
        fcntl.fcntl(self.fd, F_ADD_SEALS, F_SEAL_WRITE)

    def copy(self, path):
        """What is on it, as an image that can be written."""
        size = os.fstat(self.fd).st_size
        pathlib.Path(path).write_bytes(os.pread(self.fd, size, 0))

    def close(self):
        os.close(self.fd)


@contextlib.contextmanager
def sparse_ext4(place):
    """An ext4 that believes it is larger than what it lies on; yields a function that fills that,
    and returns the file with which it did."""
    with tempfile.TemporaryDirectory(prefix="lc-") as top:
        with tmpfs(top, "size=2m"):
            image = pathlib.Path(top) / "image"
            with open(image, "wb") as file:
                file.truncate(4 << 20)
            with ext4(place, image):
                def fill_below():
                    call("sync", "-f", place)
                    need("fstrim", place)  # free blocks of it have no space below, then
                    return fill(pathlib.Path(top) / "filler")
                yield fill_below


CAUSES = {name: os.strerror(getattr(errno, name)) for name in ("ENOSPC", "EIO", "EROFS")}
