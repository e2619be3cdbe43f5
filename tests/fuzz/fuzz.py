"""Fuzzes everything that reads hostile bytes, with libFuzzer, ASan and UBSan.

    fuzz.py [TARGET] [SECONDS]    one target or all in turn, 60 s each
    fuzz.py --corpus              merges what was found into tests/fuzz/corpus, minimised

Each input that reaches something new is kept under build-fuzz/fuzzing/corpus and begun with next
time. An input that is a find (a report of a sanitizer, a requirement that does not hold, too much
time or memory) is kept under build-fuzz/fuzzing/finds; its file is printed.
"""
import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent

# Target -> the longest input that is made up. Most of what goes wrong does so in few bytes.
TARGETS = {"config": 4096, "control": 2048, "frame": 2048, "framing": 100000, "labels": 2048,
           "meta": 2048, "npy": 2048, "snapshot": 4096}

# What an input may cost: a header that makes a reader take the memory it announces is a find.
LIMITS = ["-timeout=10", "-rss_limit_mb=512", "-malloc_limit_mb=64"]

CORPUS_FILES, CORPUS_FILE_BYTES = 150, 4096  # of a target, in the tree


@dataclasses.dataclass
class Run:
    """What a run of one target did."""
    code: int
    output: str
    inputs: int    # executed
    coverage: int  # edges reached
    new: int       # inputs kept
    find: pathlib.Path | None


def build():
    """Where the targets are."""
    return pathlib.Path(os.environ.get("LABELCAL_FUZZ_BUILD", TOP / "build-fuzz"))


def folder(kind, target):
    """A folder of the target below the build; made if it is missing."""
    path = build() / "fuzzing" / kind / target
    path.mkdir(parents=True, exist_ok=True)
    return path


def make_seeds():
    """Writes the seeds and dictionaries."""
    (build() / "fuzzing").mkdir(exist_ok=True)
    subprocess.run([build() / "tests" / "fuzz" / "seeds", build() / "fuzzing" / "seeds"],
                   check=True)


def command(target, options):
    """A target's program with what it always gets."""
    program = build() / "tests" / "fuzz" / f"fuzz_{target}"
    return [program, *LIMITS, *options]


def launch(words):
    """Runs a program of libFuzzer; its code and output."""
    environment = dict(os.environ, ASAN_OPTIONS="allocator_may_return_null=1:detect_leaks=1",
                       UBSAN_OPTIONS="print_stacktrace=1")
    result = subprocess.run(words, cwd=build() / "fuzzing", env=environment, capture_output=True,
                            text=True, errors="replace")
    return result.returncode, result.stdout + result.stderr


def given(target):
    """The folders of inputs that are there before any fuzzing: the tree's and the seeds."""
    folders = [HERE / "corpus" / target, HERE / "regressions" / target,
               build() / "fuzzing" / "seeds" / target]
    return [f for f in folders if f.is_dir()]


def fuzz(target, seconds, options=(), corpus=None):
    """Runs every given input and those kept, then fuzzes until the seconds are over."""
    own = corpus or folder("corpus", target)
    before = len(list(own.iterdir()))
    finds = folder("finds", target)
    dictionary = build() / "fuzzing" / "seeds" / f"{target}.dict"
    words = command(target, [f"-max_total_time={seconds}", f"-max_len={TARGETS[target]}",
                             "-print_final_stats=1", f"-artifact_prefix={finds}/", *options])
    words += [f"-dict={dictionary}"] if dictionary.exists() else []
    code, output = launch([*words, own, *given(target)])
    executed = re.search(r"stat::number_of_executed_units: *(\d+)", output)
    coverage = re.findall(r"cov: (\d+)", output)
    find = re.search(r"Test unit written to (\S+)", output)
    return Run(code=code, output=output, inputs=int(executed[1]) if executed else 0,
               coverage=int(coverage[-1]) if coverage else 0,
               new=len(list(own.iterdir())) - before,
               find=pathlib.Path(find[1]) if find else None)


def merge(target):
    """The smallest set of short inputs that reaches all that any known input does, in the tree."""
    fresh = folder("merged", target)
    shutil.rmtree(fresh)
    fresh.mkdir()
    sources = [HERE / "corpus" / target, build() / "fuzzing" / "seeds" / target,
               folder("corpus", target)]
    code, output = launch([*command(target, ["-merge=1", f"-max_len={CORPUS_FILE_BYTES}"]), fresh,
                           *(s for s in sources if s.is_dir())])
    if code:
        sys.exit(output)
    kept = sorted(fresh.iterdir(), key=lambda f: (f.stat().st_size, f.name))[:CORPUS_FILES]
    place = HERE / "corpus" / target
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file in kept:
        shutil.copy(file, place / file.name[:16])
    size = sum(f.stat().st_size for f in kept)
    print(f"{target:9} {len(kept):4} inputs, {size} bytes")


def main():
    parser = argparse.ArgumentParser(prog="./run fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", action="store_true",
                        help="merge what was found into tests/fuzz/corpus")
    parser.add_argument("target", nargs="?", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("seconds", nargs="?", type=int, default=60, metavar="SECONDS")
    arguments = parser.parse_args()
    if arguments.target and arguments.target.isdigit():
        arguments.target, arguments.seconds = None, int(arguments.target)
    if arguments.target and arguments.target not in TARGETS:
        parser.error(f"there is no target {arguments.target}; there are {', '.join(TARGETS)}")
    targets = [arguments.target] if arguments.target else list(TARGETS)

    make_seeds()
    finds = 0
    for target in targets:
        if arguments.corpus:
            merge(target)
            continue
        run = fuzz(target, arguments.seconds)
        print(f"{target:9} {run.inputs:10} inputs, {run.coverage:5} edges, {run.new:5} new inputs",
              flush=True)
        if run.code:
            finds += 1
            print(run.output[-6000:])
            print(f"A find: {run.find}\n"
                  f"again: {build()}/tests/fuzz/fuzz_{target} {run.find}\n"
                  f"then: mend it, and move the file to tests/fuzz/regressions/{target}/")
    if not arguments.corpus:
        print(f"{finds} finds")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
