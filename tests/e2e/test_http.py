"""HTTP: health, metrics, JSON, commands, and who may ask (protocol.md, "http")."""
import base64
import json
import re
import socket
import subprocess
import urllib.error
import urllib.request

import numpy as np
import pytest

from messages import frame, random_probabilities
from sanitizers import PATIENCE
from sp import wait_until
from adaptation import prototypes, settings


def fetch(daemon, path, data=None, headers=None, method=None):
    """(status, headers, body) of one request."""
    request = urllib.request.Request(daemon.http + path, data=data, headers=headers or {},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def raw(daemon, text):
    """The answer to bytes sent as they are."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=5) as peer:
        peer.sendall(text.encode() if isinstance(text, str) else text)
        answer = b""
        try:
            while chunk := peer.recv(65536):
                answer += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


@pytest.fixture
def served(make_daemon):
    return make_daemon({**settings(), "http": {"control": True}}, http=True).start()


def token(daemon):
    page = fetch(daemon, "/")[2].decode()
    return re.search(r'<meta name="labelcal-token" content="([^"]+)">', page).group(1)


def test_health_and_readiness(served):
    assert fetch(served, "/healthz")[0] == 200
    assert fetch(served, "/readyz")[0] == 200


def test_metrics_please_promtool(served, connect, rng):
    client = connect(served)
    for _ in range(3):
        client.calibrate(frame(random_probabilities(rng)))
    status, headers, body = fetch(served, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rb'labelcal_frames_labelled_total\{stream="cam"\} 3\b', body)


def test_api_status_is_the_bare_status_map(served, connect, rng):
    client = connect(served)
    client.calibrate(frame(random_probabilities(rng)))
    status, headers, body = fetch(served, "/api/status")
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    value = json.loads(body)
    control = client.control("status")
    assert set(value) == set(control) and value["streams"][0]["labelled"] == 1
    assert value["epoch"] == control["epoch"]


def test_api_prototypes_has_numbers_in_place_of_bins(served, connect, rng):
    client = connect(served)
    client.calibrate(frame(random_probabilities(rng)))
    value = json.loads(fetch(served, "/api/prototypes?bank=default&domain=default")[2])
    now = prototypes(client)
    np.testing.assert_allclose(np.array(value["sum"]).reshape(19, 19), now["sum"], rtol=1e-15)
    assert np.array(value["count"]).ravel().tolist() == now["count"].tolist()
    expected = [None if np.isinf(t) else pytest.approx(float(t)) for t in now["thresholds"]]
    assert value["thresholds"] == expected
    assert json.loads(fetch(served, "/api/prototypes?bank=default")[2])["version"] == now[
        "version"]


def test_api_prototypes_of_a_generation_are_the_snapshots(served, connect, rng):
    client = connect(served)
    client.calibrate(frame(random_probabilities(rng)))
    generation = client.control("snapshot")["snapshots"][0]["generation"]
    old = prototypes(client)
    client.calibrate(frame(random_probabilities(rng)))
    path = f"/api/prototypes?bank=default&domain=default&generation={generation}"
    value = json.loads(fetch(served, path)[2])
    assert value["frames"] == 1
    np.testing.assert_allclose(np.array(value["sum"]).reshape(19, 19), old["sum"], rtol=1e-15)


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/prototypes?bank=nowhere",
                                  "/api/prototypes?bank=default&domain=nowhere",
                                  "/api/prototypes?bank=default&generation=4711",
                                  "/..%2f..%2fetc/passwd", "/%41"])
def test_what_does_not_exist_is_404(served, path):
    assert fetch(served, path)[0] == 404


def test_traversal_serves_nothing(served):
    answer = raw(served, f"GET /../../../../etc/hostname HTTP/1.1\r\nHost: 127.0.0.1:"
                         f"{served.port}\r\nConnection: close\r\n\r\n")
    assert answer == b"" or not answer.startswith(b"HTTP/1.1 200") or b"labelcal-token" in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "localhost:1"])
def test_another_host_is_403(served, host):
    assert fetch(served, "/api/status", headers={"Host": host})[0] == 403


def test_the_listening_address_and_localhost_are_hosts(served):
    for host in (f"127.0.0.1:{served.port}", f"localhost:{served.port}"):
        assert fetch(served, "/api/status", headers={"Host": host})[0] == 200


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/status", "/healthz"])
def test_a_foreign_origin_is_403_everywhere(served, path):
    assert fetch(served, path, headers={"Origin": "http://evil.example"})[0] == 403
    assert fetch(served, path, headers={"Origin": "null"})[0] == 403
    own = f"http://127.0.0.1:{served.port}"
    assert fetch(served, path, headers={"Origin": own})[0] == 200


def post(daemon, message, headers=None):
    headers = {"Content-Type": "application/json", "X-Labelcal-Token": token(daemon),
               **(headers or {})}
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    status, _, body = fetch(daemon, "/api/command", data, headers)
    return status, json.loads(body) if body[:1] == b"{" else body


def test_a_command_by_http_answers_as_control_does(served, connect, rng):
    client = connect(served)
    client.calibrate(frame(random_probabilities(rng)))
    status, answer = post(served, {"v": 1, "type": "command", "id": "h1", "command": "reset",
                                   "args": {"bank": "default"}})
    assert status == 200 and (answer["type"], answer["id"]) == ("result", "h1")
    assert answer["result"]["version"]["default"] == prototypes(client)["version"]
    assert prototypes(client)["frames"] == 0
    status, answer = post(served, {"v": 1, "type": "command", "id": "h2",
                                   "command": "snapshot"})
    assert status == 200 and answer["result"]["snapshots"][0]["bank"] == "default"


def test_statistics_travel_as_base64(served, connect):
    client = connect(served)
    eye = np.eye(19) * 3.0
    args = {"bank": "default", "domain": "default", "mode": "replace", "frames": 1,
            "sum": base64.b64encode(eye.tobytes()).decode(),
            "weight": base64.b64encode(np.full(19, 3.0).tobytes()).decode(),
            "count": base64.b64encode(np.full(19, 4, np.uint64).tobytes()).decode()}
    status, answer = post(served, {"v": 1, "type": "command", "id": "h3",
                                   "command": "load_statistics", "args": args})
    assert status == 200, answer
    assert (prototypes(client)["sum"] == eye).all()


def test_a_refused_command_is_400_with_the_error_map(served):
    status, answer = post(served, {"v": 1, "type": "command", "id": "h4", "command": "explode"})
    assert status == 400 and answer["code"] == "unknown_command"
    status, answer = post(served, b"{not json")
    assert status == 400 and answer["code"] == "malformed"


def test_commands_need_the_token(served):
    message = {"v": 1, "type": "command", "id": "h5", "command": "status"}
    for wrong in ({"X-Labelcal-Token": "guess"}, {"X-Labelcal-Token": ""}):
        assert post(served, message, wrong)[0] == 403
    data = json.dumps(message).encode()
    assert fetch(served, "/api/command", data, {"Content-Type": "application/json"})[0] == 403
    assert post(served, message, {"Origin": "http://evil.example"})[0] == 403


def test_commands_are_forbidden_unless_the_configuration_allows_them(make_daemon):
    running = make_daemon(settings(), http=True).start()
    status, answer = post(running, {"v": 1, "type": "command", "id": "h6", "command": "status"})
    assert status == 403 and answer["code"] == "forbidden"


def test_the_token_is_new_at_each_start(served):
    first = token(served)
    served.stop()
    served.start()
    assert token(served) != first and len(first) >= 32


def test_other_methods_are_refused(served):
    for method in ("PUT", "DELETE"):
        assert fetch(served, "/api/status", b"x", method=method)[0] in (404, 405)
    assert fetch(served, "/api/command")[0] in (404, 405)


def test_a_body_that_is_too_large_is_refused_and_the_server_goes_on(served):
    try:
        status = post(served, b"{" + b" " * (64 << 20))[0]
    except (OSError, urllib.error.URLError):
        status = 400
    assert status == 400
    assert fetch(served, "/healthz")[0] == 200


def test_rubbish_and_half_requests_do_not_stop_the_server(served):
    for text in (b"\0" * 100, b"GET", b"GET / HTTP/1.1\r\nHost: " + b"a" * 70000,
                 b"POST /api/command HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as peer:
            try:
                peer.sendall(text)
            except OSError:
                pass
    wait_until(lambda: fetch(served, "/healthz")[0] == 200)


def test_the_page_shows_the_status_and_loads_nothing_from_elsewhere(served, connect, rng):
    connect(served).calibrate(frame(random_probabilities(rng), stream="front"))
    status, headers, body = fetch(served, "/")
    page = body.decode()
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert "front" in page or "/api/status" in page
    assert not re.search(r"(src|href)=[\"']?https?://", page)
    assert "default-src" in headers["Content-Security-Policy"]


def head_of(daemon, path="/healthz", method="GET", extra=""):
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n{extra}\r\n"


def test_the_page_escapes_what_it_shows(make_daemon):
    name = "<script>alert('x')</script>&\""
    running = make_daemon({**settings(), "model": {"name": name, "classes": 19}},
                          http=True).start()
    page = fetch(running, "/")[2].decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;" in page


def test_every_answer_forbids_sniffing_storing_and_framing(served):
    for path in ("/", "/metrics", "/nothing"):
        headers = fetch(served, path)[1]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_head_has_the_length_and_no_body(served):
    answer = raw(served, head_of(served, "/healthz", "HEAD"))
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n")
    assert b"content-length: 3\r\n" in answer


def test_one_connection_carries_one_request(served):
    answer = raw(served, head_of(served) + head_of(served, "/metrics"))
    assert answer.count(b"HTTP/1.1") == 1 and b"connection: close" in answer


@pytest.mark.parametrize("extra", ["", "Transfer-Encoding: chunked\r\n", "Content-Length: x\r\n",
                                   "Content-Length: -1\r\n",
                                   "Content-Length: 99999999999\r\n"])
def test_a_command_needs_an_honest_length(served, extra):
    extra = f"X-Labelcal-Token: {token(served)}\r\n{extra}"
    answer = raw(served, head_of(served, "/api/command", "POST", extra))
    assert answer.split(b" ")[1] == b"400"


@pytest.mark.parametrize("head", [
    "CONNECT 127.0.0.1:80 HTTP/1.1\r\n", "FOO /healthz HTTP/1.1\r\n",
    "GET http://127.0.0.1/healthz HTTP/1.1\r\n", "GET /healthz%00 HTTP/1.1\r\n",
    "GET /%zz HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "GET /ws/state HTTP/1.1\r\nUpgrade: websocket\r\n",
    "GET / HTTP/1.1\r\nUpgrade: h2c\r\n",
])
def test_what_is_not_a_plain_request_is_not_served(served, head):
    answer = raw(served, f"{head}Host: 127.0.0.1:{served.port}\r\n\r\n")
    assert not answer.split(b"\r\n")[0].endswith(b"200 OK") and b"101" not in answer[:15]
    assert fetch(served, "/healthz")[0] == 200


def test_connections_beyond_the_limit_are_closed(make_daemon):
    running = make_daemon({**settings(), "limits": {"connections": 4}}, http=True).start()
    held = [socket.create_connection(("127.0.0.1", running.port), timeout=5) for _ in range(4)]
    wait_until(lambda: raw(running, head_of(running)) == b"")
    held.pop().close()
    wait_until(lambda: raw(running, head_of(running)).startswith(b"HTTP/1.1 200"))
    for peer in held:
        peer.close()


@pytest.mark.slow
def test_a_client_that_never_ends_its_request_is_closed(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=0.5) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")

        def is_closed():
            try:
                peer.sendall(b"a")
                return peer.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True
        wait_until(is_closed, 40.0)
    assert fetch(served, "/healthz")[0] == 200


def test_one_id_is_one_change_whichever_door_it_came_by(served, connect):
    message = {"v": 1, "type": "command", "id": "door", "command": "reset",
               "args": {"bank": "default"}}
    first = post(served, message)
    version = prototypes(connect(served))["version"]
    assert post(served, message) == first and first[0] == 200
    assert prototypes(connect(served))["version"] == version
    status, answer = post(served, {**message, "args": {"bank": "default", "class": 1}})
    assert (status, answer["code"]) == (400, "bad_field")


@pytest.mark.slow
def test_what_comes_after_sigterm_is_503(make_daemon, connect, rng):
    """A big frame in hand holds the stop open long enough to ask."""
    running = make_daemon({**settings(), "http": {"control": True}, "workers": {"threads": 1}},
                          http=True).start()
    client = connect(running)
    key = token(running)
    height = round(700 / PATIENCE**2)  # a slow build holds it as long with less
    client.send(frame(random_probabilities(rng, height=height, width=1000, sharp=0.5), seq=1))
    wait_until(lambda: client.control("streams")["streams"])
    running.process.terminate()
    seen = {}

    def ask(path, data=None):
        try:
            status, _, body = fetch(running, path, data, {"X-Labelcal-Token": key})
            seen[path] = status, body
        except OSError:
            pass
        return seen.get(path, (0, b""))[0] == 503 or running.process.poll() is not None

    message = json.dumps({"v": 1, "type": "command", "id": "late", "command": "status"}).encode()
    wait_until(lambda: ask("/readyz"))
    ask("/api/prototypes?bank=default")
    ask("/api/command", message)
    assert running.stop() == 0
    assert seen["/readyz"][0] == 503
    for path in ("/api/prototypes?bank=default", "/api/command"):
        assert seen[path][0] == 503 and json.loads(seen[path][1])["code"] == "shutting_down"
