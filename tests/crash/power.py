"""A power cut, simulated: what may be on the disk when it goes out after any recorded operation.

The log is that of steps.c, with lines `ack GENERATION` where a client was told that a generation is
durable. Only an fsync makes anything safe: a file's own makes its bytes so, a folder's the names in
it. Whatever else was done may be there, or not, or in part:

- bytes written: all, none, cut anywhere, zeros (reserved, never filled), and blocks of 512 bytes
  that are right, zero or garbage in any mixture;
- names: each creation, removal, and either half of a rename by itself, in every combination, as a
  file system without a journal may leave them. One with a journal leaves prefixes of them.
"""
import itertools
import subprocess
import zlib

import msgpack

COMBINATIONS = 6  # pending changes of names of which all subsets are tried; of more, a sample
BLOCK = 512
POOL = 1000       # contents that are kept as files, to be linked rather than written


def parse(text):
    """The records of a log, each a tuple: (what, arguments...)."""
    records, at = [], 0
    while at < len(text):
        end = text.index(b"\n", at)
        words = text[at:end].decode().split(" ")
        at = end + 1
        if words[0] == "write":
            length = int(words[3])
            records.append(("write", words[1], int(words[2]), text[at:at + length]))
            at += length
        else:
            records.append(tuple(words))
    return records


def checksum(body):
    """What crash_load prints of a snapshot's bytes, by msgpack alone."""
    assert body[:8] == b"LCALSNAP" and zlib.crc32(body[24:]) == int.from_bytes(body[12:16], "little")
    total = 0
    for domain in msgpack.unpackb(body[24:])["domains"]:
        for part in (domain["name"].encode(), domain["version"].to_bytes(8, "little"),
                     domain["sum"], domain["weight"], domain["count"],
                     domain["frames"].to_bytes(8, "little"),
                     domain["pixels"].to_bytes(8, "little")):
            total = zlib.crc32(part, total)
    return total


class File:
    """An inode: what was done to its bytes, and how much of that an fsync made safe."""

    def __init__(self):
        self.done, self.safe = [], 0

    def bytes(self, done):
        body = bytearray()
        for offset, part in done:
            if len(body) < offset + len(part):
                body.extend(bytes(offset + len(part) - len(body)))
            body[offset:offset + len(part)] = part
        return bytes(body)

    def whole(self):
        return self.bytes(self.done)

    def variants(self, rng, many):
        """What a power cut may leave of it; few of a temporary file, which nobody reads."""
        whole = self.whole()
        if self.safe == len(self.done):
            return [whole]
        found = [whole, self.bytes(self.done[:self.safe])]
        if many and whole:
            found += [bytes(len(whole)), whole[:rng.randrange(len(whole))],
                      whole[:len(whole) // BLOCK * BLOCK]]
            for _ in range(2):
                blocks = [whole[i:i + BLOCK] for i in range(0, len(whole), BLOCK)]
                found.append(b"".join(rng.choice([block, bytes(len(block)),
                                                  rng.randbytes(len(block))])
                                      for block in blocks))
        return list(dict.fromkeys(found))


class Disk:
    """One bank's folder after the records so far."""

    def __init__(self, bank):
        self.bank, self.files = bank, {}
        self.made = self.made_safe = False
        self.safe, self.pending = {}, []  # names that are safe; changes of names that are not
        self.acknowledged, self.written = 0, {}

    def name(self, path):
        folder, _, name = path.partition("/")
        return name if folder == self.bank else None

    def inode(self, name):
        """The file of a name as a program that runs sees it."""
        names = dict(self.safe)
        for change, one, file in self.pending:
            names.pop(one, None)
            if change == "add":
                names[one] = file
        return names[name]

    def apply(self, record):
        what, *rest = record
        if what == "ack":
            self.acknowledged = max(self.acknowledged, int(rest[0]))
        elif what == "make_folder" and rest[0] == self.bank:
            self.made = True
        elif what == "sync_state":
            self.made_safe = self.made
        elif what == "sync_folder" and rest[0] == self.bank:
            for change, name, file in self.pending:
                self.safe.pop(name, None)
                if change == "add":
                    self.safe[name] = file
            self.pending = []
        elif what == "create" and self.name(rest[1]):
            self.files[rest[0]] = File()
            self.pending.append(("add", self.name(rest[1]), rest[0]))
        elif what == "unlink" and self.name(rest[0]):
            self.pending.append(("remove", self.name(rest[0]), None))
        elif what == "rename" and self.name(rest[0]):
            old, new = self.name(rest[0]), self.name(rest[1])
            file = self.inode(old)
            self.pending += [("add", new, file), ("remove", old, None)]
            self.written[int(new.split(".")[0])] = checksum(self.files[file].whole())
        elif rest and rest[0] in self.files:
            file = self.files[rest[0]]
            if what == "reserve":
                file.done.append((0, bytes(max(0, int(rest[1]) - len(file.whole())))))
            elif what == "write":
                file.done.append((rest[1], rest[2]))
            elif what == "sync":
                file.safe = len(file.done)

    # ---- After the cut.

    def subsets(self, rng):
        """Which of the pending changes of names reached the disk."""
        count = len(self.pending)
        if count <= COMBINATIONS:
            return list(itertools.product((False, True), repeat=count))
        some = [tuple(i < n for i in range(count)) for n in range(count + 1)]
        some += [tuple(i != n for i in range(count)) for n in range(count)]
        some += [tuple(rng.random() < 0.5 for _ in range(count)) for _ in range(32)]
        return list(dict.fromkeys(some))

    def states(self, rng):
        """All folders {name: bytes} that a cut may leave; None: not even the folder."""
        found = [] if self.made_safe else [None]
        if not self.made:
            return found
        for kept in self.subsets(rng):
            names = dict(self.safe)
            for (change, name, file), there in zip(self.pending, kept):
                if there:
                    names.pop(name, None)
                    if change == "add":
                        names[name] = file
            choices = [self.files[file].variants(rng, many=name.endswith(".snapshot"))
                       for name, file in names.items()]
            for i in range(max((len(one) for one in choices), default=1)):
                found.append({name: one[i % len(one)] for name, one in zip(names, choices)})
        unique = {None if one is None else tuple(sorted(one.items())): one for one in found}
        return list(unique.values())


class Loader:
    """crash_load, and the place where it finds state directories."""

    def __init__(self, program, example, bank, place):
        self.bank, self.place, self.pool, self.made = bank, place, {}, 0
        (place / "pool").mkdir()
        self.process = subprocess.Popen([str(program), str(example), bank], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def put(self, folder):
        """A state directory that holds this folder of the bank."""
        self.made += 1
        top = self.place / str(self.made)
        top.mkdir()
        if folder is not None:
            (top / self.bank).mkdir()
            for name, body in folder.items():
                if body not in self.pool:
                    if len(self.pool) == POOL:
                        self.empty_pool()
                    self.pool[body] = self.place / "pool" / str(len(self.pool))
                    self.pool[body].write_bytes(body)
                # The loader renames and unlinks names; it never writes into a file.
                (top / self.bank / name).hardlink_to(self.pool[body])
        return top

    def empty_pool(self):
        for path in self.pool.values():
            path.unlink()
        self.pool = {}

    def load(self, folder):
        """(generation, checksum, last number, broken files, temporary files) of a folder."""
        top = self.put(folder)
        print(top, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        for path in top.glob("*/*"):
            path.unlink()
        for path in top.iterdir():
            path.rmdir()
        top.rmdir()
        assert answer[0] != "-", f"the start is refused: {' '.join(answer[5:])}"
        return tuple(int(word) for word in answer[:5])

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def fault_of(disk, folder, answer):
    """What is wrong with what was loaded, or None."""
    generation, loaded, last, broken, temporary = answer
    if generation < disk.acknowledged:
        return f"generation {disk.acknowledged} was acknowledged and is lost: {generation} is loaded"
    if generation and disk.written.get(generation) != loaded:
        return f"generation {generation} is not what was written"
    if last < disk.acknowledged:
        return f"the next number may be {last + 1}, and {disk.acknowledged} was acknowledged"
    if broken:
        return f"{broken} torn files have the name of a whole one"
    if temporary:
        return "a temporary file is left"
    return None


def cuts(records, bank, rng):
    """(Disk, [folder, ...]) after each number of records."""
    disk = Disk(bank)
    yield disk, disk.states(rng)
    for record in records:
        disk.apply(record)
        yield disk, disk.states(rng)


def simulate(records, loader, rng, stop_at_first=False):
    """(number of power cuts, [fault, ...]) over every cut of the records."""
    number, faults = 0, []
    for at, (disk, folders) in enumerate(cuts(records, loader.bank, rng)):
        for folder in folders:
            number += 1
            fault = fault_of(disk, folder, loader.load(folder))
            if fault:
                names = None if folder is None else {n: len(b) for n, b in folder.items()}
                faults.append(f"cut after record {at}, {records[at - 1][:2]}: {fault}; on the "
                              f"disk: {names}")
                if stop_at_first:
                    return number, faults
    return number, faults
