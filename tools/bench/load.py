"""Load test of a proxy: its settings (requests, connections, rate) and its result."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from tools.bench.process import pinned
from tools.bench.program import program
from tools.errors import ToolsError

KEY = "sk-7c1d0b5e94f2a863"
"""API key of the benchmark; every proxy gets it, and those that have keys check it."""
HEADERS: Mapping[str, str] = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
PATH = "/v1/chat/completions"
GRACE_S = 120.0
WORDS = "Tell me about the quick brown fox and the lazy dog, in two sentences. "


def chat(*, is_stream: bool = False, wait_ms: int = 0) -> str:
    """Return a request body of about 300 bytes. The stub waits *wait_ms* before each part of its response."""
    question = WORDS * 3 + (f"@wait {wait_ms}@" if wait_ms else "")
    request = {"model": "stub", "messages": [{"role": "user", "content": question}], "stream": is_stream}
    return json.dumps(request, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class LoadProfile:
    """Settings of one run of the load client."""

    body: str = field(default_factory=chat)
    connections: int = 32
    seconds: float = 3
    warmup_s: float = 0.3
    requests: int = 0  # stop after this many; 0: when the time is over
    rate: float = 0  # requests a second over all connections; 0: each as soon as it can
    aborts: float = 0  # the share of requests whose client leaves early
    is_stream: bool = False

    def arguments(self, port: int) -> list[str]:
        headers = [f"-header={name}: {value}" for name, value in HEADERS.items() if name != "content-type"]
        return [
            "load",
            f"-address=127.0.0.1:{port}",
            f"-path={PATH}",
            f"-body={self.body}",
            f"-connections={self.connections}",
            f"-seconds={self.seconds}",
            f"-warmup={self.warmup_s}",
            f"-requests={self.requests}",
            f"-rate={self.rate}",
            f"-aborts={self.aborts}",
            f"-stream={str(self.is_stream).lower()}",
            *headers,
        ]


@dataclass(frozen=True, kw_only=True)
class LoadTestResult:
    """Measurements of the load client. Times in microseconds; *all* and *all_events* include the warm-up."""

    seconds: float
    requests: int
    all: int
    all_events: int
    events: int
    errors: int
    first_error: str
    refused: int
    aborted: int
    p50: float
    p90: float
    p99: float
    first_p50: float
    first_p99: float
    refused_p99: float
    statuses: Mapping[str, int]

    @property
    def per_s(self) -> float:
        """Successful responses per second."""
        return self.requests / self.seconds


def run_load(port: int, load: LoadProfile, cores: Sequence[int]) -> LoadTestResult:
    """Run the load client against *port* of the loopback. Raises ToolsError where it fails."""
    command = [*pinned(cores), str(program()), *load.arguments(port)]
    most_s = load.seconds + load.warmup_s + GRACE_S + load.requests / 50
    done = subprocess.run(command, capture_output=True, text=True, timeout=most_s, check=False)
    if done.returncode:
        raise ToolsError(f"the load client failed: {done.stderr.strip()}")
    figures = json.loads(done.stdout)
    return LoadTestResult(**{part.name: figures[part.name] for part in fields(LoadTestResult)})
