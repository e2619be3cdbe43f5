"""labelcal soak: it passes on a sound labelcald, and says so of one that is not."""
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from daemon import LABELCAL, LABELCALD, WRAPPER
from sanitizers import SANITIZED, checked, scaled
from test_cli import alone

COMMANDS = {"status", "freeze", "snapshot", "shadow", "set_rule", "reload", "domain", "prototypes",
            "rollback", "bypass", "reset", "generations", "resume"}


def soak(*arguments, seconds=120.0):
    return checked(subprocess.run([*WRAPPER, str(LABELCAL), "soak", "--daemon", str(LABELCALD),
                                   *arguments], capture_output=True, text=True,
                                  timeout=scaled(seconds)))


def left_over(done):
    """The folder that labelcald's log was left in, which the test removes."""
    line = done.stderr.splitlines()[-1]
    assert line.startswith("labelcal: labelcald's log: /tmp/labelcal-soak-"), done.stderr
    return pathlib.Path(line.rpartition(" ")[2]).parent


@pytest.mark.parametrize("arguments", [("--minutes", "0"), ("--minutes", "soon"), ("--cameras", "0"),
                                       ("--rate", "max"), ("--daemon", "/nowhere"), ("more",)])
def test_what_cannot_be_is_a_usage_error(arguments):
    done = alone("soak", *arguments)
    assert done.returncode == 2 and not done.stdout


@pytest.mark.slow
def test_twenty_seconds_of_trouble_add_up_to_the_frame():
    clocks = [] if SANITIZED else glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    done = soak("--json", "--minutes", "0.34", "--cameras", "4", "--rate", "8",
                *(["--clock", clocks[0]] if clocks else []))
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["wrong"] == []
    for camera in said["cameras"]:
        parts = sum(camera[key] for key in ("labelled", "dropped", "refused", "lost"))
        assert camera["labelled"] > 0
        assert camera["sent"] == parts + camera["swallowed"]
        assert camera["swallowed"] == 0 or camera["redials"] > 0
    # On a busy machine those with large frames come to send too few for all of this.
    for key in ("refused", "lost"):
        assert any(camera[key] > 0 for camera in said["cameras"])
    assert [camera["redials"] for camera in said["cameras"] if camera["stream"] != "soak-2"] == [0] * 3
    done_so_often = said["commands"]
    assert (done_so_often.pop("clock step") > 0) == bool(clocks)
    assert set(done_so_often) == COMMANDS and min(done_so_often.values()) > 0
    assert said["stalled"] > 0 and said["maps"] > 0


def stand_in(tmp_path, text):
    """A program in labelcald's place."""
    path = tmp_path / "labelcald"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def test_a_daemon_that_does_not_start_is_said_with_its_log(tmp_path):
    done = soak("--minutes", "0.1", "--daemon", stand_in(tmp_path, "echo no such thing >&2\nexit 6\n"))
    assert done.returncode != 0 and "does not start" in done.stderr
    place = left_over(done)
    assert "no such thing" in (place / "log").read_text()
    shutil.rmtree(place)


@pytest.mark.skipif(scaled(1) > 1, reason="under a sanitizer it may not be up by then")
def test_a_daemon_that_dies_fails_it(tmp_path):
    dying = stand_in(tmp_path, f'"{LABELCALD}" "$@" &\nsleep {scaled(4)}\nkill -9 $!\nwait\nexit 1\n')
    done = soak("--minutes", "1", "--cameras", "1", "--daemon", dying)
    assert done.returncode != 0 and "ended" in done.stderr
    shutil.rmtree(left_over(done))


LEAK = """#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  int made = (int)syscall(SYS_accept4, fd, address, length, flags);
  if (made >= 0) {
    open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  return made;
}
"""


@pytest.mark.skipif(bool(SANITIZED or WRAPPER), reason="NOT RUN: a sanitizer must be loaded first")
def test_descriptors_that_are_left_open_fail_it(tmp_path):
    (tmp_path / "leak.c").write_text(LEAK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(tmp_path / "leak.so"),
                    str(tmp_path / "leak.c")], check=True)
    leaking = stand_in(tmp_path, f'LD_PRELOAD={tmp_path}/leak.so exec "{LABELCALD}" "$@"\n')
    done = soak("--json", "--minutes", "0.1", "--cameras", "1", "--daemon", leaking)
    assert done.returncode == 1
    assert any("descriptors" in one for one in json.loads(done.stdout)["wrong"])
    shutil.rmtree(left_over(done))


@pytest.mark.skipif(scaled(1) > 1, reason="under a sanitizer it may not have begun by then")
def test_an_interrupt_ends_it_early_and_is_judged():
    running = subprocess.Popen([*WRAPPER, str(LABELCAL), "soak", "--daemon", str(LABELCALD), "--json",
                                "--minutes", "60", "--cameras", "1"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(scaled(5))
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    out, err = running.communicate(timeout=scaled(60))
    assert running.returncode == 0, err
    assert json.loads(out)["wrong"] == []
