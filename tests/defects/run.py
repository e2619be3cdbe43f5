"""Puts known defects into a copy of the tree, one at a time, and runs the test that must see each.

    run.py [ROW ...]    all defects, or those of some rows
    run.py --check      only that each defect still applies and its row is in docs/reliability.md

Ends with "N defects put in, N seen, N missed".
"""
import argparse
import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
PLACE = TOP / "build-defects"
TREE = PLACE / "tree"
NOT_TABLES = ("defect", "run")

sys.path[:0] = [str(HERE), str(HERE.parent)]

from suites import BUILDS  # noqa: E402


def defects():
    """Every Defect of every table in this folder, in order."""
    for path in sorted(HERE.glob("*.py")):
        if path.stem not in NOT_TABLES:
            yield from importlib.import_module(path.stem).DEFECTS


def faults(defect):
    """What keeps a defect from being put in, as sentences."""
    path = TOP / defect.file
    found = path.read_text().count(defect.old) if path.exists() else 0
    if found != 1:
        yield f"{defect.row}: {defect.file} holds the text to break {found} times, not once: " \
              f"{defect.old!r}"
    if defect.test.startswith("unit:"):
        program = defect.test.split(":")[1]
        if not list((TOP / "tests" / "unit").glob(f"test_{program}.c")):
            yield f"{defect.row}: there is no unit program {program}"
    else:
        file, _, case = defect.test.partition("::")
        name = re.split(r"[\[:]", case)[0]
        if not (TOP / file).exists() or f"def {name}(" not in (TOP / file).read_text():
            yield f"{defect.row}: there is no test {defect.test}"
    document = (TOP / "docs" / "reliability.md").read_text()
    if not re.search(rf"^\| *{defect.row} *\|", document, re.MULTILINE):
        yield f"{defect.row}: docs/reliability.md has no such row"


def copy_tree():
    """The work tree's files under build-defects/tree; files that did not change keep their time."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, check=True,
                            capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, listed):
        source, target = TOP / name, TREE / name
        if not source.exists() or target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def name_of(build):
    """The directory of a Defect's build, and its key in suites.py's table."""
    return f"build{'-' if build else ''}{build}"


def compile_tree(build):
    """Builds the copy; True if it builds. Warnings are no errors: a defect may leave some."""
    directory = PLACE / name_of(build)
    if not (directory / "build.ninja").exists():
        options = BUILDS[name_of(build)][0]
        compiler = dict(o.split("=", 1) for o in options if o.startswith("CC="))
        options = [o for o in options if not o.startswith("CC=")]
        subprocess.run(["meson", "setup", "-Dwerror=false", *options, str(directory), str(TREE)],
                       check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, **compiler))
    return subprocess.run(["ninja", "-C", str(directory), "--quiet"],
                          capture_output=True).returncode == 0


def passes(defect):
    """True if the defect's test passes as the tree is now."""
    directory = PLACE / name_of(defect.build)
    # The defects are in the scalar kernels, which another tier would stand in for. What is freed is
    # overwritten: libuv, which uses it, has no sanitizer to tell.
    environment = dict(os.environ, LABELCAL_BUILD=str(directory), PYTHONDONTWRITEBYTECODE="1",
                       LABELCAL_CPU="scalar", MALLOC_PERTURB_="165",
                       GLIBC_TUNABLES="glibc.malloc.tcache_count=0",
                       **BUILDS[name_of(defect.build)][1])
    environment.pop("LABELCAL_COUNTS", None)
    if defect.test.startswith("unit:"):
        _, program, *cases = defect.test.split(":")
        environment["CMOCKA_TEST_FILTER"] = cases[0] if cases else "*"
        command = [str(directory / "tests" / "unit" / f"test_{program}")]
    else:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                   defect.test]
    try:
        return subprocess.run(command, cwd=TREE, env=environment, capture_output=True,
                              timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def seen(defect):
    """Puts one defect in, runs its test, takes it out; True if the test failed."""
    path = TREE / defect.file
    right = path.read_text()
    try:
        path.write_text(right.replace(defect.old, defect.new))
        if not compile_tree(defect.build):
            print(f"  {defect.row}: the tree does not build with it")
            return False
        return not passes(defect)
    finally:
        path.write_text(right)


def main():
    parser = argparse.ArgumentParser(prog="./run defects", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only that each one applies")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    arguments = parser.parse_args()

    chosen = [d for d in defects() if not arguments.rows or d.row in arguments.rows]
    wrong = [fault for defect in chosen for fault in faults(defect)]
    for fault in wrong:
        print(fault)
    if wrong or arguments.check:
        return 1 if wrong else 0

    copy_tree()
    sound, missed = {}, []
    for defect in chosen:
        key = (defect.test, defect.build)
        if key not in sound:
            sound[key] = compile_tree(defect.build) and passes(defect)
        if not sound[key]:
            verdict = "FAILS WITHOUT IT"
        elif seen(defect):
            verdict = "seen"
        else:
            verdict = "MISSED"
        if verdict != "seen":
            missed.append(defect)
        print(f"{verdict:8} {defect.row:4} {defect.what}  [{defect.test}]", flush=True)
    print(f"{len(chosen)} defects put in, {len(chosen) - len(missed)} seen, {len(missed)} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
