"""Text files are clean: no tabs, no blanks at line ends, a final newline, no invisible characters;
C sources are ASCII."""
import subprocess
import sys
import unicodedata

BINARY = (".png", ".npy", ".snapshot", ".zst")
FUZZED = ("tests/fuzz/corpus/", "tests/fuzz/regressions/")  # any bytes


def faults(name, data):
    """Sentences about what is wrong with one file."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        yield "not UTF-8"
        return
    if text and not text.endswith("\n"):
        yield "no newline at the end"
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            yield f"{number}: a tab"
        if line != line.rstrip():
            yield f"{number}: blanks at the end"
        if name.endswith((".c", ".h")) and not line.isascii():
            yield f"{number}: not ASCII"
        if any(unicodedata.category(c) == "Cf" for c in line):
            yield f"{number}: an invisible character"


def main():
    names = subprocess.run(["git", "ls-files"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    found = 0
    for name in names:
        if name.endswith(BINARY) or name.startswith(FUZZED) or name == "LICENSE":
            continue
        with open(name, "rb") as file:
            for fault in faults(name, file.read()):
                print(f"{name}:{fault}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
