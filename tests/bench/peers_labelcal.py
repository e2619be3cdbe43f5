"""liblabelcal through ctypes, on one thread or several, for peers.py."""
import ctypes as ct
import itertools
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
from conftest import (Coefficients, CResult, Core, Error, KINDS, LAYOUTS, Pass,  # noqa: E402
                      Tensor, TYPES)

TOLERANCE = 1e-3


class Calibrator:
    """One frame's labels, with statistics or without, again and again."""

    def __init__(self, core, S, w, threads):
        self.lib, self.threads = core.lib, threads
        u32, pointer = ct.c_uint32, ct.c_void_p
        for name, result, arguments in (
                ("begin", ct.c_int, [pointer, ct.POINTER(Pass), ct.POINTER(Error)]),
                ("stages", u32, [pointer]), ("bands", u32, [pointer, u32]),
                ("band", None, [pointer, u32, u32, u32]), ("end", ct.POINTER(CResult), [pointer])):
            function = getattr(self.lib, f"lcal_calibrator_{name}")
            function.restype, function.argtypes = result, arguments
        self.coefficients = Coefficients(core, S, w, sum_tolerance=TOLERANCE)
        self.pointer = ct.c_void_p()
        assert self.lib.lcal_calibrator_create(ct.byref(self.pointer), threads, None) == 0

    def __del__(self):
        self.lib.lcal_calibrator_destroy(self.pointer)

    def take(self, x, type_, kind, out_shape):
        """The frame to work on, (C, H, W)."""
        self.x, self.tensor, error = x, Tensor(), Error()  # x is borrowed
        status = self.lib.lcal_tensor_init(
            ct.byref(self.tensor), (ct.c_uint32 * 3)(*x.shape), LAYOUTS.index("CHW"),
            TYPES.index(type_), KINDS.index(kind), x.ctypes.data, x.nbytes, ct.byref(error))
        assert status == 0, error.message
        self.labels = np.zeros(out_shape, np.uint8)
        self.passes = [Pass(tensor=ct.pointer(self.tensor), sum_tolerance=TOLERANCE,
                            coefficients=self.coefficients.pointer, certify=1,
                            want_statistics=statistics, out_height=out_shape[0],
                            out_width=out_shape[1], calibrated=self.labels.ctypes.data)
                       for statistics in (0, 1)]

    def work(self, stage, bands, count, thread):
        for band in bands:
            if band >= count:
                return
            self.lib.lcal_calibrator_band(self.pointer, stage, band, thread)

    def run(self, crew, statistics):
        """Labels, in self.labels; the library's result."""
        error = Error()
        status = self.lib.lcal_calibrator_begin(self.pointer, ct.byref(self.passes[statistics]),
                                                ct.byref(error))
        assert status == 0, error.message
        for stage in range(self.lib.lcal_calibrator_stages(self.pointer)):
            bands, count = itertools.count(), self.lib.lcal_calibrator_bands(self.pointer, stage)
            crew(lambda thread: self.work(stage, bands, count, thread))
        return self.lib.lcal_calibrator_end(self.pointer).contents


__all__ = ["Calibrator", "Core"]
