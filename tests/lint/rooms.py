"""A room may include its own headers and those of rooms above it, never one below."""
import pathlib
import re
import subprocess
import sys

# The house, lowest floor first, each with the rooms it may use besides its own.
ABOVE = {
    "core": [],
    "recording": ["core"],
    "wire": ["core", "recording"],
    "store": ["core", "recording", "wire"],
    "ring": ["core", "recording", "wire", "store"],
    "client": ["core", "recording", "wire", "store", "ring"],
    "web": [],
    "daemon": ["core", "recording", "wire", "store", "ring", "client", "web"],
    "scene": ["core", "recording"],
    "plot": ["core", "recording"],
    "cli": ["core", "recording", "wire", "store", "ring", "client", "scene", "plot"],
}
# The room each public header speaks for.
PUBLIC = {
    "status": "core", "tensor": "core", "statistics": "core", "rules": "core", "domain": "core",
    "calibrator": "core", "core": "core", "recording": "recording", "wire": "wire",
    "store": "store", "client": "client", "labelcal": "client",
}


def main():
    files = subprocess.run(["git", "ls-files", "src/*.c", "src/*.h"], capture_output=True,
                           text=True, check=True).stdout.split()
    faults = 0
    for name in files:
        room = pathlib.PurePath(name).parts[1]
        if room not in ABOVE:
            print(f"{name}: {room} is not a room of the house")
            faults += 1
            continue
        for number, line in enumerate(open(name, encoding="utf-8"), 1):
            match = re.match(r'\s*#\s*include\s+(?:"(\w+)/|<labelcal/(\w+)\.h>)', line)
            if not match:
                continue
            used = match.group(1) or PUBLIC.get(match.group(2), match.group(2))
            if used != room and used not in ABOVE[room]:
                print(f"{name}:{number}: {room} may not include from {used}")
                faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
