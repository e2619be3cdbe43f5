"""Every function that a public header declares has a comment above it, or above its group: lines
of declarations without a blank line between them share the comment in front."""
import glob
import sys


def faults(path):
    """(line, text) of each exported declaration whose paragraph has no comment."""
    paragraph, start = [], 1
    lines = open(path, encoding="utf-8").read().split("\n")
    for number, line in enumerate(lines + [""], 1):
        if line.strip():
            if not paragraph:
                start = number
            paragraph.append(line)
            continue
        text = "\n".join(paragraph)
        if "LCAL_API" in text and "#define LCAL_API" not in text and "/*" not in text:
            yield start, next(item for item in paragraph if "LCAL_API" in item)
        paragraph = []


def main():
    found = 0
    for path in sorted(glob.glob("include/labelcal/*.h")):
        for number, text in faults(path):
            print(f"{path}:{number}: no docstring: {text.strip()}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
