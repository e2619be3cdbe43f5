"""How the build compiles: flags that would change bits are nowhere, the one that keeps them is."""
import json

from conftest import BUILD

# Each lets a compiler change what a sum or a comparison comes to.
FORBIDDEN = ("-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-ffinite-math-only",
             "-fassociative-math", "-freciprocal-math", "-fno-signed-zeros", "-ffp-contract=fast",
             "-ffp-contract=on")


def test_no_object_is_compiled_to_change_bits():
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    ours = [c for c in commands if "/src/" in "/" + c["file"]]
    assert len(ours) > 100
    for command in ours:
        words = command["command"].split()
        assert not set(words) & set(FORBIDDEN), command["file"]
        # The last one of several would count.
        assert [w for w in words if w.startswith("-ffp-contract")][-1:] == ["-ffp-contract=off"], \
            command["file"]
