"""liblabelcal through ctypes, for the tests that compare it with oracle.py.

LABELCAL_BUILD: the build directory (default ./build). LABELCAL_SHARED: the folder with the
recordings (default ../shared); what needs them is skipped, and says so, where it is absent.
"""
import ctypes as ct
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LABELCAL_BUILD", ROOT / "build"))
SHARED = pathlib.Path(os.environ.get("LABELCAL_SHARED", ROOT.parent / "shared"))

TYPES = ("f32", "f16", "bf16", "u8")
LAYOUTS = ("CHW", "HWC")
KINDS = ("probabilities", "logits")
U8P = ct.POINTER(ct.c_uint8)
F32P = ct.POINTER(ct.c_float)
F64P = ct.POINTER(ct.c_double)
U64P = ct.POINTER(ct.c_uint64)


class Error(ct.Structure):
    _fields_ = [("code", ct.c_int), ("message", ct.c_char * 256)]


class Tensor(ct.Structure):
    _fields_ = [("data", ct.c_void_p), ("classes", ct.c_uint32), ("height", ct.c_uint32),
                ("width", ct.c_uint32), ("layout", ct.c_int), ("type", ct.c_int),
                ("kind", ct.c_int), ("stride", ct.c_size_t)]


class CStatistics(ct.Structure):
    _fields_ = [("classes", ct.c_uint32), ("sum", F64P), ("weight", F64P), ("count", U64P),
                ("frames", ct.c_uint64), ("pixels", ct.c_uint64)]


class CCoefficients(ct.Structure):
    _fields_ = [("classes", ct.c_uint32), ("rule", ct.c_void_p), ("version", ct.c_uint64),
                ("a", F32P), ("b", F32P), ("threshold", F32P * 4), ("tolerance", ct.c_double * 4),
                ("protect", U8P), ("scratch", F64P)]


class Adaptation(ct.Structure):
    _fields_ = [("rule", ct.c_void_p), ("order", ct.c_int), ("forgetting", ct.c_int),
                ("half_life", ct.c_double), ("unit", ct.c_int), ("window", ct.c_uint32),
                ("min_weight", ct.c_double), ("warmup_frames", ct.c_uint64),
                ("sum_tolerance", ct.c_double), ("protect", U8P)]


class Pass(ct.Structure):
    _fields_ = [("tensor", ct.POINTER(Tensor)), ("sum_tolerance", ct.c_double),
                ("coefficients", ct.POINTER(CCoefficients)), ("certify", ct.c_int),
                ("mask", U8P), ("want_statistics", ct.c_int), ("out_height", ct.c_uint32),
                ("out_width", ct.c_uint32), ("calibrated", ct.c_void_p), ("argmax", ct.c_void_p),
                ("confidence", U8P), ("scores", F32P)]


class CResult(ct.Structure):
    _fields_ = [("pixels", ct.c_uint64), ("voids", ct.c_uint64), ("changed", ct.c_uint64),
                ("certified", ct.c_uint64), ("input_pixels", ct.c_uint64),
                ("input_voids", ct.c_uint64), ("input_changed", ct.c_uint64),
                ("input_confidence", ct.c_double), ("statistics", ct.POINTER(CStatistics))]


def load():
    library = ct.CDLL(str(BUILD / "src" / "liblabelcal.so"))
    pointer, size, status = ct.c_void_p, ct.c_size_t, ct.c_int
    signatures = {
        "lcal_tensor_init": (status, [ct.POINTER(Tensor), ct.POINTER(ct.c_uint32), ct.c_int,
                                      ct.c_int, ct.c_int, pointer, size, ct.POINTER(Error)]),
        "lcal_tolerance": (ct.c_double, [ct.c_int, ct.c_int, ct.c_uint32, ct.c_double]),
        "lcal_f16_to_f32": (ct.c_float, [ct.c_uint16]),
        "lcal_f32_to_bf16": (ct.c_uint16, [ct.c_float]),
        "lcal_rule_find": (pointer, [ct.c_char_p, size]),
        "lcal_statistics_create": (status, [ct.POINTER(ct.POINTER(CStatistics)), ct.c_uint32,
                                            ct.POINTER(Error)]),
        "lcal_statistics_destroy": (None, [ct.POINTER(CStatistics)]),
        "lcal_coefficients_create": (status, [ct.POINTER(ct.POINTER(CCoefficients)), ct.c_uint32,
                                              ct.POINTER(Error)]),
        "lcal_coefficients_destroy": (None, [ct.POINTER(CCoefficients)]),
        "lcal_coefficients_build": (None, [ct.POINTER(CCoefficients), pointer,
                                           ct.POINTER(CStatistics), ct.c_double, ct.c_double,
                                           U8P]),
        "lcal_slack": (ct.c_double, [ct.c_uint32, F32P, F32P, ct.c_double]),
        "lcal_certify": (None, [ct.c_uint32, F32P, F32P, ct.c_double, F32P]),
        "lcal_adaptation_default": (None, [ct.POINTER(Adaptation)]),
        "lcal_domain_create": (status, [ct.POINTER(pointer), ct.c_uint32, ct.POINTER(Adaptation),
                                        ct.POINTER(Error)]),
        "lcal_domain_destroy": (None, [pointer]),
        "lcal_domain_rebuild": (None, [pointer, ct.POINTER(Adaptation)]),
        "lcal_domain_statistics": (ct.POINTER(CStatistics), [pointer]),
        "lcal_domain_coefficients": (ct.POINTER(CCoefficients), [pointer]),
        "lcal_domain_prepare": (None, [pointer, ct.POINTER(Adaptation), ct.POINTER(CStatistics),
                                       ct.c_uint64]),
        "lcal_domain_install": (ct.c_int, [pointer]),
        "lcal_calibrator_create": (status, [ct.POINTER(pointer), ct.c_uint32, ct.POINTER(Error)]),
        "lcal_calibrator_destroy": (None, [pointer]),
        "lcal_calibrate": (status, [pointer, ct.POINTER(Pass), ct.POINTER(CResult),
                                    ct.POINTER(Error)]),
        "lcal_tier": (ct.c_char_p, []),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def pointer_to(array, kind):
    return array.ctypes.data_as(kind)


class Statistics:
    """S, w, n as numpy arrays copied out of C."""

    def __init__(self, c):
        C = c.classes
        self.S = np.ctypeslib.as_array(c.sum, (C * C,)).reshape(C, C).copy()
        self.w = np.ctypeslib.as_array(c.weight, (C,)).copy()
        self.n = np.ctypeslib.as_array(c.count, (C,)).copy()
        self.frames, self.pixels = c.frames, c.pixels


class Coefficients:
    """Built by the library from S and w."""

    def __init__(self, core, S, w, rule="euclidean", min_weight=1e-9, sum_tolerance=0.01,
                 protect=()):
        self.core, C = core, len(w)
        statistics = ct.POINTER(CStatistics)()
        assert core.lib.lcal_statistics_create(ct.byref(statistics), C, None) == 0
        np.ctypeslib.as_array(statistics.contents.sum, (C * C,))[:] = np.ravel(S)
        np.ctypeslib.as_array(statistics.contents.weight, (C,))[:] = w
        self.pointer = ct.POINTER(CCoefficients)()
        assert core.lib.lcal_coefficients_create(ct.byref(self.pointer), C, None) == 0
        flags = np.zeros(C, np.uint8)
        flags[list(protect)] = 1
        core.lib.lcal_coefficients_build(self.pointer, core.lib.lcal_rule_find(rule.encode(), len(rule)),
                                         statistics, min_weight, sum_tolerance,
                                         pointer_to(flags, U8P))
        core.lib.lcal_statistics_destroy(statistics)
        self.protect = flags.astype(bool)

    def __del__(self):
        self.core.lib.lcal_coefficients_destroy(self.pointer)

    @property
    def a(self):
        c = self.pointer.contents
        return np.ctypeslib.as_array(c.a, (c.classes * c.classes,)).reshape(c.classes, -1).copy()

    @property
    def b(self):
        c = self.pointer.contents
        return np.ctypeslib.as_array(c.b, (c.classes,)).copy()

    def threshold(self, type_):
        c = self.pointer.contents
        return np.ctypeslib.as_array(c.threshold[TYPES.index(type_)], (c.classes,)).copy()


class Result:
    pass


class Core:
    """The library, and one calibrator that every frame of a test goes through."""

    def __init__(self):
        self.lib = load()
        self.calibrator = ct.c_void_p()
        assert self.lib.lcal_calibrator_create(ct.byref(self.calibrator), 1, None) == 0

    def calibrate(self, x, type_="f32", kind="probabilities", layout="CHW", coefficients=None,
                  certify=True, mask=None, statistics=True, out_shape=None, sum_tolerance=0.01,
                  want=("calibrated", "argmax", "confidence", "scores"), offset=0):
        """Labels and statistics of x: (C, H, W) or (H, W, C) as `layout` says, in the dtype of
        `type_` (bf16: uint16 bits). `offset` shifts the data off its alignment."""
        raw = np.frombuffer(bytes(offset) + np.ascontiguousarray(x).tobytes(), np.uint8)
        tensor, error = Tensor(), Error()
        status = self.lib.lcal_tensor_init(
            ct.byref(tensor), (ct.c_uint32 * 3)(*x.shape), LAYOUTS.index(layout),
            TYPES.index(type_), KINDS.index(kind), raw.ctypes.data + offset, len(raw) - offset,
            ct.byref(error))
        assert status == 0, error.message
        H, W = out_shape or (tensor.height, tensor.width)
        dtype = np.uint8 if tensor.classes <= 255 else np.uint16
        result, c = Result(), CResult()
        fields = {"calibrated": ((H, W), dtype), "argmax": ((H, W), dtype),
                  "confidence": ((H, W), np.uint8), "scores": ((H, W, tensor.classes), np.float32)}
        for name, (shape, kind_) in fields.items():
            setattr(result, name, np.full(shape, 77, kind_) if name in want else None)
        if mask is not None:
            mask = np.ascontiguousarray(mask, np.uint8)
        address = lambda a: None if a is None else a.ctypes.data
        pass_ = Pass(tensor=ct.pointer(tensor), sum_tolerance=sum_tolerance,
                     certify=certify, want_statistics=statistics,
                     out_height=out_shape[0] if out_shape else 0,
                     out_width=out_shape[1] if out_shape else 0,
                     calibrated=address(result.calibrated), argmax=address(result.argmax))
        if isinstance(coefficients, Coefficients):
            pass_.coefficients = coefficients.pointer
        elif coefficients is not None:
            pass_.coefficients = coefficients
        if mask is not None:
            pass_.mask = pointer_to(mask, U8P)
        if result.confidence is not None:
            pass_.confidence = pointer_to(result.confidence, U8P)
        if result.scores is not None:
            pass_.scores = pointer_to(result.scores, F32P)
        status = self.lib.lcal_calibrate(self.calibrator, ct.byref(pass_), ct.byref(c),
                                         ct.byref(error))
        assert status == 0, error.message
        for name, _ in CResult._fields_[:-1]:
            setattr(result, name, getattr(c, name))
        result.c_statistics = c.statistics
        result.statistics = Statistics(c.statistics.contents) if statistics else None
        return result


class Domain:
    """A domain of the library, with the default adaptation but for what is given."""

    def __init__(self, core, classes, rule="euclidean", **settings):
        self.core = core
        self.adaptation = Adaptation()
        core.lib.lcal_adaptation_default(ct.byref(self.adaptation))
        self.adaptation.rule = core.lib.lcal_rule_find(rule.encode(), len(rule))
        for name, value in settings.items():
            setattr(self.adaptation, name, value)
        self.pointer = ct.c_void_p()
        assert core.lib.lcal_domain_create(ct.byref(self.pointer), classes,
                                           ct.byref(self.adaptation), None) == 0
        core.lib.lcal_domain_rebuild(self.pointer, ct.byref(self.adaptation))

    def __del__(self):
        self.core.lib.lcal_domain_destroy(self.pointer)

    @property
    def coefficients(self):
        return self.core.lib.lcal_domain_coefficients(self.pointer)

    @property
    def statistics(self):
        return Statistics(self.core.lib.lcal_domain_statistics(self.pointer).contents)

    def commit(self, c_statistics, stamp_ns=0):
        self.core.lib.lcal_domain_prepare(self.pointer, ct.byref(self.adaptation), c_statistics,
                                          stamp_ns)
        return self.core.lib.lcal_domain_install(self.pointer)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out of ./run test --quick")


@pytest.fixture(scope="session")
def core():
    return Core()


@pytest.fixture(scope="session")
def streams():
    """The folder of the unpacked recordings."""
    unpack = SHARED / "streams" / "unpack"
    if not unpack.exists():
        pytest.skip(f"NOT RUN: no recordings at {SHARED}/streams; set LABELCAL_SHARED")
    out = BUILD / "streams"
    subprocess.run(["sh", str(unpack), str(out)], check=True)
    return out
