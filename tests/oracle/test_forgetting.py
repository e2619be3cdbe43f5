"""Domains over a stream: cumulative, ema and window against sums made from scratch."""
import numpy as np
import pytest

import make
import oracle
from conftest import Domain

C = 7
CUMULATIVE, EMA, WINDOW = range(3)


def stream(frames):
    rng = np.random.default_rng(41)
    return [make.frame(rng, 11, 13, C, "f32") for _ in range(frames)]


def run(core, frames, stamps=None, **settings):
    domain = Domain(core, C, **settings)
    jumps = []
    for number, x in enumerate(frames):
        result = core.calibrate(x, coefficients=domain.coefficients)
        jumps.append(domain.commit(result.c_statistics, stamps[number] if stamps else 0))
    return domain.statistics, jumps


def close(state, frames, weights):
    parts = [oracle.Frame(x).statistics() for x in frames]
    S = sum(g * p[0] for g, p in zip(weights, parts))
    w = sum(g * p[1] for g, p in zip(weights, parts))
    n = sum(p[2] for p in parts)
    assert (abs(state.S - S) <= 1e-6 * S + 1e-9 * w[:, None]).all()
    assert (abs(state.w - w) <= 1e-6 * w).all()
    assert (state.n == n).all() and state.frames == len(frames) and state.pixels == n.sum()


def test_cumulative_is_the_sum(core):
    frames = stream(5)
    close(run(core, frames, forgetting=CUMULATIVE)[0], frames, [1] * 5)


@pytest.mark.parametrize("half_life", (0.5, 1.0, 3.7, 3000.0))
def test_ema_halves_by_frames(core, half_life):
    frames = stream(9)
    state, jumps = run(core, frames, forgetting=EMA, half_life=half_life)
    close(state, frames, [2 ** (-(8 - i) / half_life) for i in range(9)])
    assert not any(jumps)


def test_ema_halves_by_seconds_and_ignores_jumps(core):
    frames = stream(7)
    second = 10**9
    start = 1_700_000_000 * second
    #        first  +2 s       back 1 s   +3 s of the newest   jump ahead       jump back     +1 s
    stamps = [start, start + 2 * second, start + second, start + 5 * second,
              start + 606 * second, start, start + second]
    state, jumps = run(core, frames, stamps, forgetting=EMA, unit=1, half_life=4.0)
    passed = [0, 2, 0, 3, 0, 0, 1]
    close(state, frames, [2 ** (-sum(passed[i + 1:]) / 4.0) for i in range(7)])
    assert [bool(j) for j in jumps] == [False, False, False, False, True, True, False]


@pytest.mark.parametrize("window", (1, 2, 3, 4, 5, 8, 13))
def test_window_is_the_sum_of_the_last_frames(core, window):
    frames = stream(12)
    state, _ = run(core, frames, forgetting=WINDOW, window=window)
    close(state, frames, [int(i >= 12 - window) for i in range(12)])
