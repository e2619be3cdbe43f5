"""A program run under shim.c: its environment, and what the shim reported."""
import errno
import os
import pathlib
import re
import struct
import subprocess

from daemon import BUILD

HERE = pathlib.Path(__file__).resolve().parent
SHIM = BUILD / "tests" / "faults" / "libfaultshim.so"
FAMILIES = re.findall(r'ROW\([A-Z]+, "([a-z]+)"\)', (HERE / "shim.h").read_text())
STACK_BYTES = 1024
HALF = 0  # in place of an error number: the call does half of what it should


def _sanitizer():
    """The path of the sanitizers' runtime that labelcald links, or None."""
    listed = subprocess.run(["ldd", str(BUILD / "src" / "daemon" / "labelcald")],
                            capture_output=True, text=True, check=True).stdout
    found = re.search(r"=> (\S*libasan\S*)", listed)
    return found and found[1]


SANITIZER = _sanitizer()


class Fault:
    """What is to fail: calls n, n+1, ... (`times` of them, 0: all) of a family, with an error."""

    def __init__(self, family=None, n=0, error=0, times=1):
        self.family, self.n, self.error, self.times = family, n, error, times

    def __str__(self):
        if self.family is None:
            return "no fault"
        error = errno.errorcode[self.error] if self.error else "half"
        which = {0: "from {} on", 1: "{}"}.get(self.times, "{}, " + f"{self.times} times")
        return f"{self.family} {which.format(self.n)}: {error}"


def environment(fault, report, trace=None):
    """The environment of a process in which `fault` is to happen."""
    made = dict(os.environ, FAULT_REPORT=str(report))
    made["LD_PRELOAD"] = str(SHIM) + (f":{SANITIZER}" if SANITIZER else "")
    made["ASAN_OPTIONS"] = "verify_asan_link_order=0:exitcode=99:abort_on_error=0"
    made["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1:exitcode=99"
    made["LSAN_OPTIONS"] = "exitcode=98"
    if fault.family is not None:
        made.update(FAULT_CALL=fault.family, FAULT_N=str(fault.n), FAULT_ERRNO=str(fault.error),
                    FAULT_TIMES=str(fault.times))
    if trace:
        made["FAULT_TRACE"] = str(trace)
    return made


class Report:
    """What the shim counted, how many calls it failed, and the first one's stack."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes() if pathlib.Path(path).exists() else b""
        size = 8 * (1 + len(FAMILIES))
        if len(data) < size + STACK_BYTES:  # it never came to main()
            data = bytes(size + STACK_BYTES)
        self.fired, *counts = struct.unpack_from(f"<{1 + len(FAMILIES)}Q", data)
        self.counts = dict(zip(FAMILIES, counts))
        self.stack = data[size:].split(b"\n")[0].decode(errors="replace").rstrip("\0").split()[1:]


def stacks(trace):
    """{family: [stack of its first call, of its second, ...]} of a trace."""
    found = {}
    for line in pathlib.Path(trace).read_text().splitlines():
        family, *places = line.split(" ")
        found.setdefault(family, []).append(tuple(places))
    return found


_symbols = {}


def _table(module):
    """Sorted (address, name) of a program's or library's functions."""
    if module not in _symbols:
        places = [BUILD / "src" / "daemon" / module, BUILD / "src" / "cli" / module,
                  BUILD / "tests" / "faults" / module, BUILD / "src" / module,
                  pathlib.Path("/usr/lib/x86_64-linux-gnu") / module]
        path = next((p for p in places if p.exists()), None)
        rows = []
        for option in ((), ("-D",)) if path else ():
            out = subprocess.run(["nm", *option, str(path)], capture_output=True, text=True).stdout
            rows += [(int(w[0], 16), w[2].split("@")[0]) for w in map(str.split, out.splitlines())
                     if len(w) == 3 and w[1] in "tTwWi"]
        _symbols[module] = sorted(rows)
    return _symbols[module]


def named(stack):
    """The functions of a stack, innermost first, as MODULE:FUNCTION (an exported neighbour's name
    where a library is stripped)."""
    names = []
    for place in stack:
        module, _, offset = place.rpartition("+")
        address, best = int(offset, 16), "?"
        for start, name in _table(module):
            if start > address:
                break
            best = name
        names.append(f"{module.split('.')[0]}:{best}")
    return names
