"""A wall clock that a test sets, by Debian's libfaketime. CLOCK_MONOTONIC stays the kernel's, as it
does where an administrator or NTP sets the time."""
import glob
import time

import pytest

S = 10**9
YEAR = 365 * 86400


class Clock:
    """The wall clock of one daemon: `environment` for its process, set() while it runs."""

    def __init__(self, path):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found:
            pytest.fail("libfaketime is not installed")
        self.path = path
        self.set(0)
        self.environment = {"LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": str(path),
                            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        """Steps it to so many seconds from the real time."""
        self.offset = seconds
        new = self.path.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self.path)

    def set_1970(self):
        self.set(60 - int(time.time()))

    def shows(self, stamp_ns):
        """Whether a stamp was taken by this clock, since its last step."""
        return abs(stamp_ns / S - (time.time() + self.offset)) < 60
