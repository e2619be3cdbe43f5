"""One defect: a line of the code made wrong, and the test that must see it."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Defect:
    """`old`, found exactly once in `file`, becomes `new`; then `test` must fail.

    test: "unit:PROGRAM" or "unit:PROGRAM:CASES" (a cmocka filter, with * and ?), or a pytest node
    ("tests/e2e/test_x.py::test_y"). build: "", "asan" (address, undefined, leaks),
    "tsan" or "fuzz" (the targets of tests/fuzz).
    """
    row: str   # the row of docs/reliability.md that it belongs to: N1, P7, …
    what: str  # what is wrong now, as a sentence
    file: str
    old: str
    new: str
    test: str
    build: str = ""
