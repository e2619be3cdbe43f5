"""The same frame through what a user would otherwise run, in turn with labelcal, on one thread and
on all: `./run bench peers`. Prints a table, and how much longer the others take."""
import argparse
import concurrent.futures
import os
import pathlib
import statistics
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LABELCAL_BUILD", TOP / "build"))

# Before any of them is loaded: threads are ours to start, one for a chunk at a time. OpenBLAS
# 0.3.21 takes a CPU newer than itself for an old one.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
if " avx512vl" in pathlib.Path("/proc/cpuinfo").read_text():
    os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")

import numpy as np  # noqa: E402
import torch  # noqa: E402

import frames  # noqa: E402
import peers_programs as programs  # noqa: E402
from peers_labelcal import Calibrator, Core  # noqa: E402

# name, input height and width, type, kind, output shape
CASES = [("19x1024x2048/f32/CHW", 1024, 2048, "f32", "probabilities", (1024, 2048)),
         ("19x1024x2048/u8/CHW", 1024, 2048, "u8", "probabilities", (1024, 2048)),
         ("upsampled", 128, 256, "f16", "logits", (1024, 2048))]
AGREE = 0.999  # the share of equal labels below which something is wrong
HEADER = f"{'case':22} {'threads':>7}  {'program':38} {'ms':>8} {'±':>5} {'times':>6}  same labels"


def frame(source, height, width, type_, kind):
    p = source.stitched(height, width)
    if kind == "logits":
        return np.log(np.maximum(p, frames.LEAST)).astype(np.float16)
    return np.rint(255 * p).astype(np.uint8) if type_ == "u8" else p


class Crew:
    """Calls work(thread) on `threads` threads, and times a whole run: by the CPU clock of a single
    thread, which other programs do not disturb, else by the wall clock."""

    def __init__(self, threads):
        self.threads = threads
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)
        self.clock = time.thread_time if threads == 1 else time.perf_counter

    def __call__(self, work):
        if self.threads == 1:
            return work(0)
        for done in [self.pool.submit(work, thread) for thread in range(self.threads)]:
            done.result()

    def time(self, run):
        started = self.clock()
        run()
        return 1e3 * (self.clock() - started)


def figure(samples):
    """Median, and half of what lies between the quartiles as a share of it."""
    ordered = sorted(samples)
    quarter = len(ordered) // 4
    median = statistics.median(ordered)
    return median, (ordered[-1 - quarter] - ordered[quarter]) / 2 / median


def agreement(ours, theirs):
    return float(np.mean(ours.reshape(-1) == theirs.reshape(-1)))


def check_blas():
    maps = pathlib.Path("/proc/self/maps").read_text()
    if "openblas" not in maps:
        sys.exit("the BLAS in use is not OpenBLAS: install libopenblas0-pthread")


def measure(case, source, core, threads, seconds):
    """Rows of (program, samples in ms, share of equal labels, with statistics)."""
    name, height, width, type_, kind, out_shape = case
    x = frame(source, height, width, type_, kind)
    S, w = source.statistics()
    ours = Calibrator(core, S, w, threads)
    ours.take(x, type_, kind, out_shape)
    A, b = (np.ascontiguousarray(part, np.float32)
            for part in (ours.coefficients.a, ours.coefficients.b))
    crew = Crew(threads)
    peers = programs.of(kind == "logits", A, b, A, threads)  # euclidean: a_k = mu_k
    for peer in peers:
        peer.take(x, out_shape)
    runs = {"labelcal, labels": lambda: ours.run(crew, 0),
            "labelcal, labels and statistics": lambda: ours.run(crew, 1)}
    runs |= {peer.name: (lambda peer=peer: peer.run(crew)) for peer in peers}
    for run in runs.values():  # what is loaded or grown at first use is not counted
        run()
    check_blas()
    samples = {title: [] for title in runs}
    until = time.monotonic() + seconds
    while len(samples["labelcal, labels"]) < 5 or time.monotonic() < until:
        for title, run in runs.items():
            samples[title].append(crew.time(run))
    same = {peer.name: agreement(ours.labels, peer.labels) for peer in peers}
    with_statistics = {peer.name: peer.statistics for peer in peers}
    return [(title, samples[title], same.get(title), with_statistics.get(title)) for title in runs]


def best_of_each(rows):
    """Of several ways of a program the fastest."""
    best = {}
    for row in rows:
        program = row[0] if row[2] is None else row[0].split(",")[0]
        if program not in best or figure(row[1])[0] < figure(best[program][1])[0]:
            best[program] = row
    return list(best.values())


def show(case, threads, rows):
    """Prints the rows; whether the labels agree."""
    labels, fused = (figure(row[1])[0] for row in rows[:2])
    for title, samples, same, with_statistics in best_of_each(rows):
        median, spread = figure(samples)
        line = f"{case[0]:22} {threads:7}  {title:38} {median:8.2f} {100 * spread:3.0f} %"
        if same is not None:
            times = median / (fused if with_statistics else labels)
            line += f" {times:6.1f}  {100 * same:.4f} %"
        print(line, flush=True)
    return all(same is None or same >= AGREE for _, _, same, _ in rows)


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def main():
    parser = argparse.ArgumentParser(prog="./run bench peers", description=__doc__)
    parser.add_argument("--recording", help="a recording of 19 classes; default: the embedded "
                                            "camera at dusk")
    parser.add_argument("--seconds", type=float, default=10.0,
                        help="for each case and number of threads (default 10); five repetitions "
                             "at least")
    parser.add_argument("--case", choices=[case[0] for case in CASES], action="append")
    options = parser.parse_args()
    core = Core()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    source = (frames.Frames(options.recording) if options.recording else
              frames.camera(BUILD / "src" / "cli" / "labelcal", frames.ADAPTED + 16))
    print(f"{cpu_name()}, kernels {core.lib.lcal_tier().decode()}, PyTorch {torch.__version__}, "
          f"numpy {np.__version__}, faiss {programs.faiss.__version__}, "
          f"load {os.getloadavg()[0]:.1f}\n"
          "Medians ± half of what lies between the quartiles; one thread by its CPU clock, more by "
          "the wall clock.\ntimes: over labelcal with statistics, faiss over labelcal without, as "
          "it has none.\n\n" + HEADER)
    agree = True
    for case in CASES:
        if options.case and case[0] not in options.case:
            continue
        for threads in sorted({1, len(os.sched_getaffinity(0))}):
            rows = measure(case, source, core, threads, options.seconds)
            agree = show(case, threads, rows) and agree
    if not agree:
        sys.exit(f"labels of another program agree with labelcal's in less than {100 * AGREE} %")


if __name__ == "__main__":
    main()
