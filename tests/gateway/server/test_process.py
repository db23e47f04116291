"""Gateway process: start, refusal to start, reload, drain and end."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psutil
import pytest

from tests.gateway.feed_client import BEARER, LIVE

CONFIG = "backends:\n  stub: { url: 'http://127.0.0.1:9', type: openai }\n"
Launch = Callable[..., "Process"]


class Process:
    """One `synapse-gateway` process, whose log is read continuously."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        (folder / "backends.yaml").write_text(CONFIG)
        self.config = folder / "backends.yaml"
        self.log: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "synapse_gateway", "--config", str(self.config), "--host", "127.0.0.1", *arguments],
            env={**os.environ, "SYNAPSE_VOICE_LIBRARY_DIR": str(folder / "voices"), **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def until(self, pattern: str, seconds: float = 120) -> re.Match[str]:
        """Wait for a matching line of the log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in tuple(self.log):
                if match := re.search(pattern, line):
                    return match
            time.sleep(0.01)
        raise AssertionError(f"{pattern!r} did not come in {seconds} s: {self.log}")

    @property
    def url(self) -> str:
        port = self.until(r"listening on port (\d+)")[1]
        return f"http://127.0.0.1:{port}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(120)
        self._reader.join(120)
        return code


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until *condition* returns True."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    processes: list[Process] = []

    def run(*arguments: str, **environment: str) -> Process:
        processes.append(Process(tmp_path, *(arguments or ("--port", "0")), **environment))
        return processes[-1]

    yield run
    for process in processes:
        if process.process.poll() is None:
            process.process.terminate()
            process.wait()
        assert process.process.stderr is not None
        process.process.stderr.close()


def test_it_serves_and_ends_cleanly_on_a_signal(launch: Launch) -> None:
    gateway = launch()
    assert httpx.get(f"{gateway.url}/livez").json() == {"status": "ok"}
    assert gateway.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_calls_in_progress_end_before_the_process(launch: Launch, number: int) -> None:
    """A stream runs to its end after the signal, and new clients are refused."""

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for count in range(5):
                self.wfile.write(b"data: %d\n\n" % count)
                self.wfile.flush()
                time.sleep(0.2)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    Thread(target=server.serve_forever).start()
    try:
        gateway = launch()
        url = gateway.url
        gateway.config.write_text(CONFIG.replace(":9'", f":{server.server_port}'"))
        gateway.until("configuration reloaded")
        body = {"model": "x", "messages": []}
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=60) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "data: 0"
            gateway.process.send_signal(number)
            gateway.until("draining")
            assert [line for line in lines if line] == [f"data: {count}" for count in range(1, 5)]
        assert gateway.wait() == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/livez")
    finally:
        server.shutdown()
        server.server_close()


def test_it_is_not_ready_but_serves_during_the_drain_delay(launch: Launch) -> None:
    gateway = launch(SYNAPSE_DRAIN_DELAY_SECONDS="2")
    with httpx.Client(base_url=gateway.url) as http:  # to make one takes long, and there are two seconds
        gateway.process.send_signal(signal.SIGTERM)
        gateway.until("draining")
        assert http.get("/readyz").status_code == 503
        assert http.get("/livez").status_code == 200
    assert gateway.wait() == 0


def test_clients_reconnect_elsewhere_while_it_drains(launch: Launch) -> None:
    """A client that gets `connection: close` sends no further request on a connection that would be aborted."""
    gateway = launch(SYNAPSE_DRAIN_DELAY_SECONDS="2")
    with httpx.Client(base_url=gateway.url) as kept:
        assert "connection" not in kept.get("/livez").headers
        gateway.process.send_signal(signal.SIGTERM)
        gateway.until("draining")
        assert [kept.get("/livez").headers["connection"] for _ in range(2)] == 2 * ["close"]
    assert gateway.wait() == 0


def test_feed_subscribers_are_disconnected_at_the_end(launch: Launch) -> None:
    """Without an end of the stream they would learn of it at the next keepalive only."""
    gateway = launch(**LIVE)
    with httpx.stream("GET", f"{gateway.url}/events/terminal", headers=BEARER, timeout=60) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: meta"
        gateway.process.terminate()
        assert "draining" in "".join(lines)
        assert gateway.wait() == 0


def test_a_changed_file_is_loaded_and_an_invalid_one_refused(launch: Launch) -> None:
    gateway = launch()
    assert list(httpx.get(f"{gateway.url}/health").json()["backends"]) == ["stub"]
    gateway.config.write_text(CONFIG.replace("stub", "other"))
    gateway.until("configuration reloaded")
    assert list(httpx.get(f"{gateway.url}/health").json()["backends"]) == ["other"]
    gateway.config.write_text(CONFIG.replace("openai", "opnai"))
    gateway.until("refused.*got type 'opnai'")
    assert list(httpx.get(f"{gateway.url}/health").json()["backends"]) == ["other"]
    assert 'synapse_config_reloads_total{outcome="refused"} 1.0' in httpx.get(f"{gateway.url}/metrics").text


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SYNAPSE_TIMEOUT_LLM_SECONDS": "soon"}, "SYNAPSE_TIMEOUT_LLM_SECONDS: got 'soon'; accepted: a number"),
        ({"SYNAPSE_LOG_LEVEL": "LOUD"}, "SYNAPSE_LOG_LEVEL: got 'LOUD'; accepted: DEBUG, INFO"),
        ({"SYNAPSE_API_KEYS": "k;scope=root"}, "entry 1: got scope 'root'; accepted: user, admin"),
        ({"SYNAPSE_API_KEYS": "a,sha256:12"}, "entry 2: the hash is not 64 hex digits"),
        ({"SYNAPSE_API_KEYS": "a;rpm=many"}, "entry 1: got rpm=many; accepted: a whole number"),
        ({"SYNAPSE_API_KEYS": "a;colour=red"}, "entry 1: got 'colour=red'"),
        ({"SYNAPSE_TERMINAL_FEED_REDACT_EXTRA_PATTERNS": "("}, "accepted: regular expressions joined by ||"),
        (
            {"SYNAPSE_TERMINAL_FEED_MODE": "live", "SYNAPSE_TERMINAL_FEED_BUS_MODE": "redis"},
            "SYNAPSE_TERMINAL_FEED_REDIS_URL: not set",
        ),
    ],
)
def test_an_invalid_setting_stops_the_start(launch: Launch, environment: Any, message: str) -> None:
    gateway = launch("--port", "0", **environment)
    assert gateway.wait() == 2
    assert message in "".join(gateway.log)


def test_a_missing_file_and_a_port_in_use_stop_the_start(launch: Launch, tmp_path: Path) -> None:
    missing = launch("--port", "0", "--config", str(tmp_path / "none.yaml"))
    assert missing.wait() == 2
    assert "none.yaml" in "".join(missing.log)
    port = httpx.URL(launch().url).port
    taken = launch("--port", str(port))
    assert taken.wait() == 2
    assert f"127.0.0.1:{port}" in "".join(taken.log)


def test_workers_share_a_port_and_metrics_and_are_restarted(launch: Launch) -> None:
    gateway = launch("--port", "0", "--workers", "2")
    url = gateway.url
    until(lambda: sum("listening" in line for line in gateway.log) == 2)
    for _ in range(20):
        assert httpx.get(f"{url}/livez").status_code == 200
    counted = re.search(r'route="/livez",status="200"} (\d+)', httpx.get(f"{url}/metrics").text)
    assert counted is not None
    assert int(counted[1]) == 20
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    gateway.until("restarting it")
    until(lambda: sum("listening" in line for line in gateway.log) == 3)
    assert httpx.get(f"{url}/livez").status_code == 200
    assert gateway.stop() == 0


def test_workers_end_when_their_parent_is_killed(launch: Launch) -> None:
    gateway = launch("--port", "0", "--workers", "2")
    until(lambda: sum("listening" in line for line in gateway.log) == 2)
    workers = psutil.Process(gateway.process.pid).children()
    assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
    _, alive = psutil.wait_procs(workers, timeout=200)
    assert not alive
