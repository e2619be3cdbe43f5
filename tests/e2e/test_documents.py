"""What README.md and docs/ show is true: their programs run, their tables agree with the code."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from daemon import BUILD
from sanitizers import SANITIZED
from sp import wait_until
from adaptation import settings

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(params=["nng"])
def library(request):
    import sp
    return sp.LIBRARIES[request.param]


def test_the_readmes_python_feeds_a_daemon(make_daemon, connect, tmp_path):
    text = (TOP / "README.md").read_text()
    program, = re.findall(r"```python\n(.*?)```", text, re.S)
    running = make_daemon(settings(stream={"depth": 20})).start()
    script = tmp_path / "camera.py"
    script.write_text(program)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True,
                          timeout=60, env=dict(os.environ, RUNTIME_DIRECTORY=str(running.runtime)))
    assert done.returncode == 0, done.stderr
    client = connect(running)
    row = wait_until(lambda: next((s for s in client.control("streams")["streams"]
                                   if s["labelled"] == 10), None))
    assert (row["name"], row["lost"], row["refused"], row["dropped"]) == ("front", 0, 0, 0)


def test_the_example_camera_in_c_sends_and_receives(make_daemon):
    running = make_daemon(settings()).start()
    done = subprocess.run([str(BUILD / "docs" / "example_camera"), str(running.runtime), "5"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5 and all("calibrated" in line for line in lines)


def test_every_link_in_the_documents_leads_somewhere():
    for page in [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_command_the_documents_show_exists():
    help_text = subprocess.run([str(BUILD / "src" / "cli" / "labelcal"), "--help"],
                               capture_output=True, text=True, timeout=20).stdout
    known = set(re.findall(r"^\s{2,}([a-z-]+)\b", help_text, re.M))
    for page in [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.S):
            for name in re.findall(r"^labelcal ([a-z][a-z-]+)", block, re.M):
                assert name in known, f"{page.name}: labelcal {name}"


@pytest.mark.skipif(bool(SANITIZED), reason="a program without sanitizers cannot link a library with")
def test_an_installed_library_is_found_by_pkg_config_and_links(tmp_path):
    """meson install into a root of its own, then a program built the way a user would."""
    root = tmp_path / "root"
    done = subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--quiet",
                           "--destdir", str(root)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found, = root.rglob("labelcal.pc")
    prefix = next(p for p in (root / "usr/local", root / "usr") if p.exists())
    environment = dict(os.environ, PKG_CONFIG_PATH=str(found.parent),
                       PKG_CONFIG_SYSROOT_DIR=str(root))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "labelcal"], text=True,
                           capture_output=True, env=environment, check=True).stdout.split()
    program = tmp_path / "camera"
    subprocess.run(["cc", "-o", str(program), str(TOP / "docs" / "example_camera.c"), *flags],
                   check=True, timeout=60)
    library, = {p.parent for p in prefix.rglob("liblabelcal.so.0")}
    done = subprocess.run([str(program), str(tmp_path / "nowhere"), "1"], capture_output=True,
                          text=True, timeout=60, env=dict(os.environ,
                                                          LD_LIBRARY_PATH=str(library)))
    assert done.returncode == 3 and "labelcald" in done.stderr
    for name in ("labelcald", "labelcal"):
        assert (prefix / "bin" / name).exists()
