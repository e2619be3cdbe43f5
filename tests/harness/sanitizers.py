"""What sanitizers and valgrind say of a program under test, and how much longer it may take.

LABELCAL_PATIENCE multiplies every time limit of the harness (suites.py sets it beside a build that
is slow); a limit only ends a test that hangs, it is never what a test measures.
"""
import os
import re

PATIENCE = float(os.environ.get("LABELCAL_PATIENCE", "1"))

REPORT = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|"
                    r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer:DEADLYSIGNAL|"
                    r": runtime error: |==\d+== ERROR SUMMARY: [1-9]")

# Which sanitizers this run's build has; "" for none. For tests that cannot run there.
SANITIZED = os.environ.get("LABELCAL_SANITIZED", "")


def scaled(seconds):
    """A time limit of this build."""
    return seconds * PATIENCE


def check(text, program):
    """Fails if what `program` said on stderr has a report, whatever its exit status was."""
    found = REPORT.search(text)
    if found:
        raise AssertionError(f"a sanitizer's report about {program}:\n{text[found.start():][:8000]}")


def checked(done):
    """A completed process without a report."""
    check(done.stderr, done.args[0])
    return done
