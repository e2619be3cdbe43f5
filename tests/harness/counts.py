"""What a suite did besides passing: inputs fuzzed, faults injected, kills survived.

`count("faults injected")` adds one; `./run test` prints the sums at its end. The words are those
that a reader of the sums should see, the more telling for "… lost" lines that must be zero.
"""
import json
import os


def count(what, number=1):
    """Adds to a sum, from any process of the run; does nothing outside `./run test`."""
    path = os.environ.get("LABELCAL_COUNTS")
    if path:
        # One write of less than PIPE_BUF to a file opened for appending: lines never mix.
        with open(path, "a", encoding="utf-8") as log:
            log.write(json.dumps([what, number]) + "\n")


def sums(path):
    """{what: sum} of a file that count() wrote, in the order of first mention."""
    total = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as log:
            for line in log:
                what, number = json.loads(line)
                total[what] = total.get(what, 0) + number
    return total
