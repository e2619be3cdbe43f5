"""Starts that must be refused: each names its remedy and touches nothing."""
import os
import pathlib
import resource
import signal
import socket
import subprocess

import pytest
import yaml

from daemon import LABELCALD, free_port
from messages import frame, random_probabilities


def test_version_and_help_are_printed(make_daemon):
    running = make_daemon()
    assert running.run("--version").stdout.startswith("labelcald ")
    text = running.run("--help").stdout
    for option in ("--config", "--runtime-dir", "--state-dir", "--http", "--check-config"):
        assert option in text


def test_an_unknown_option_is_a_usage_error(make_daemon):
    done = make_daemon().run("--colour")
    assert done.returncode == 2 and "--colour" in done.stderr


def test_every_error_of_a_configuration_is_located(make_daemon):
    running = make_daemon("model:\n  name: ''\nbanks:\n  default:\n    guards:\n"
                          "      max_void: 2\nstream: {}\n")
    done = running.run("--check-config")
    assert done.returncode == 6
    for place in (f"{running.config}:2:9: model.name: ", f"{running.config}:6:17: ",
                  f"{running.config}:7:1: stream: "):
        assert place in done.stderr, done.stderr
    assert running.run().returncode == 6
    assert os.listdir(running.runtime) == os.listdir(running.state) == []


def test_check_config_prints_a_configuration_that_means_the_same(make_daemon):
    running = make_daemon({"banks": {"default": {"adaptation": {"rule": "kl"}}},
                           "streams": {"front": {"mode": "shadow"}}})
    first = running.run("--check-config")
    assert first.returncode == 0, first.stderr
    running.write_config(first.stdout)
    assert running.run("--check-config").stdout == first.stdout
    value = yaml.safe_load(first.stdout)
    assert value["banks"]["default"]["adaptation"]["rule"] == "kl"
    assert value["streams"]["front"]["mode"] == "shadow"
    assert os.listdir(running.state) == []


@pytest.mark.parametrize("text", [
    "banks: {default: {adaptation: {rule: layout}}}",
    "banks: {default: {adaptation: {reference: /tmp/x}}}",
    "banks: {default: {adaptation: {fixed: [road]}}}",
])
def test_what_is_not_built_yet_is_refused(make_daemon, text):
    done = make_daemon(text + "\n").run("--check-config")
    assert done.returncode == 6 and "not built yet" in done.stderr


def test_a_second_instance_is_refused_and_the_first_goes_on(make_daemon, connect):
    running = make_daemon().start()
    for _ in range(5):
        done = running.run()
        assert done.returncode == 1
        assert str(running.runtime) in done.stderr or str(running.state) in done.stderr
    assert connect(running).control("status")["classes"]


def test_a_second_instance_with_the_same_state_is_refused(make_daemon, tmp_path):
    running = make_daemon().start()
    other = make_daemon()
    other.state = running.state
    done = other.run()
    assert done.returncode == 1 and str(running.state) in done.stderr
    assert not any(name != "lock" for name in os.listdir(other.runtime))


def test_a_regular_file_at_a_sockets_path_is_not_touched(make_daemon):
    running = make_daemon()
    (running.runtime / "labels").write_text("precious")
    done = running.run()
    assert done.returncode == 1
    assert f"{running.runtime}/labels" in done.stderr
    assert (running.runtime / "labels").read_text() == "precious"
    assert not (running.runtime / "frames").exists()


def link_to_a_socket(path):
    """To one that nobody listens at."""
    target = path.parent.parent / "left"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(target))
    os.symlink(target, path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, link_to_a_socket])
def test_nothing_but_a_socket_is_taken_away_from_a_sockets_path(make_daemon, make):
    running = make_daemon()
    make(running.runtime / "control")
    before = os.lstat(running.runtime / "control")
    done = running.run()
    assert done.returncode == 1 and f"{running.runtime}/control" in done.stderr
    after = os.lstat(running.runtime / "control")
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(set(os.listdir(running.runtime)) - {"control"}) in ([], ["lock"])


def test_a_missing_directory_is_named(make_daemon):
    running = make_daemon()
    running.state = running.top / "absent"
    done = running.run()
    assert done.returncode == 6 and "absent" in done.stderr
    assert not running.state.exists()


def test_a_busy_port_is_named(make_daemon):
    running = make_daemon(http=True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", running.port))
        taken.listen()
        done = running.run()
    assert done.returncode == 1 and str(running.port) in done.stderr
    assert not (running.runtime / "frames").exists()
    assert running.start().stop() == 0


def test_a_user_without_a_runtime_directory_is_told_so(make_daemon):
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY", "STATE_DIRECTORY")}
    command = [str(LABELCALD), "--check-config"]
    if os.geteuid() == 0:
        import pwd
        pwd.getpwnam("nobody")
        command = ["setpriv", "--reuid=nobody", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20)
    if "Permission denied" in done.stderr and done.returncode in (126, 127):
        pytest.skip("nobody may not run the build's program here")
    assert done.returncode == 6 and "XDG_RUNTIME_DIR" in done.stderr


def test_directories_come_from_the_service_managers_environment(make_daemon):
    running = make_daemon()
    command = [str(LABELCALD), "--config", str(running.config), "--http", "off", "--check-config"]
    environment = dict(os.environ, RUNTIME_DIRECTORY=str(running.runtime),
                       STATE_DIRECTORY=str(running.state))
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20)
    assert done.returncode == 0, done.stderr
    assert f"ipc://{running.runtime}/frames" in done.stdout


def test_tcp_beyond_loopback_needs_allow_remote(make_daemon):
    url = f"tcp://0.0.0.0:{free_port()}"
    done = make_daemon({"listen": {"frames": [url]}}).run("--check-config")
    assert done.returncode == 6 and "allow_remote" in done.stderr
    done = make_daemon({"listen": {"frames": [url], "allow_remote": True}}).run("--check-config")
    assert done.returncode == 0, done.stderr


def test_sockets_have_the_configured_mode_and_tcp_works_beside_ipc(make_daemon, library):
    import messages
    running = make_daemon()
    port = free_port()
    running.write_config(yaml.safe_dump({"listen": {
        "mode": "0600", "control": [f"ipc://{running.runtime}/control",
                                    f"tcp://127.0.0.1:{port}"]}}))
    running.start()
    assert os.stat(running.runtime / "frames").st_mode & 0o777 == 0o600
    client = library("req").dial(f"tcp://127.0.0.1:{port}")
    client.send(messages.pack(messages.command("status")))
    assert messages.unpack(client.recv())["type"] == "result"
    client.close()


def test_after_a_kill_the_sockets_left_behind_are_taken_over(make_daemon, connect):
    running = make_daemon().start()
    running.kill()
    assert (running.runtime / "frames").exists()
    running.start()
    assert connect(running).control("status")["uptime_s"] >= 0


def test_sigterm_and_sigint_stop_with_status_0(make_daemon):
    running = make_daemon()
    for number in (signal.SIGTERM, signal.SIGINT):
        assert running.start().stop(number) == 0
        assert not (running.runtime / "frames").exists()


def test_signals_are_blocked_in_every_thread_but_the_loops(make_daemon, connect, library, rng):
    running = make_daemon({"workers": {"threads": 3}}, http=True).start()
    connect(running).calibrate(frame(random_probabilities(rng)))
    connect(running).control("snapshot")
    process = running.process.pid
    ours = sum(1 << (number - 1) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    blocked = {}
    for status in pathlib.Path(f"/proc/{process}/task").glob("*/status"):
        mask = next(line for line in status.read_text().split("\n") if line.startswith("SigBlk:"))
        blocked[int(status.parent.name)] = int(mask.split()[1], 16) & ours == ours
    assert not blocked.pop(process)
    assert len(blocked) >= 3 + 1 and all(blocked.values())  # workers, store, libuv's pool


def test_as_many_descriptors_as_allowed_are_asked_for(make_daemon):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        running = make_daemon().start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
