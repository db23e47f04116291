"""Measured subjects: the gateway and the proxies it is compared with. Each writes its configuration."""

import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.bench import litellm
from tools.bench.load import HEADERS, KEY, PATH, chat
from tools.bench.machine import Cores
from tools.bench.process import ProbeRequest, RunningProcess, free_port, running
from tools.bench.program import program
from tools.errors import ToolsError
from tools.offline import debian

PROBE = ProbeRequest(path=PATH, body=chat(), headers=HEADERS)
ENV = "/usr/bin/env"


@dataclass(frozen=True, kw_only=True)
class ProxySetup:
    """Settings of one start of a proxy: its folder, its port, the port of the stub, the number of workers."""

    folder: Path
    port: int
    upstream: int
    workers: int = 1
    backend: Mapping[str, int] = field(default_factory=dict)  # limits of the gateway's backend, where a load needs them


Prepare = Callable[[ProxySetup], list[str]]


def gateway(setup: ProxySetup) -> list[str]:
    """Return the gateway's command, all features on: keys with limits, metrics, breaker, admission, access log."""
    if importlib.util.find_spec("synapse_gateway") is None:
        raise ToolsError("the gateway's package is not in this environment; run `tools/uv sync`, then this again")
    backend = {"url": f"http://127.0.0.1:{setup.upstream}", "type": "openai", **setup.backend}
    config = {"backends": {"stub": backend}, "routes": [{"model": "stub", "targets": [{"backend": "stub"}]}]}
    file = _written(setup, "backends.yaml", json.dumps(config))
    key = f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()};name=bench;rpm=100000000;concurrency=100000"
    environment = [f"SYNAPSE_API_KEYS={key}", f"SYNAPSE_VOICE_LIBRARY_DIR={setup.folder / 'voices'}"]
    options = ["--config", file, "--host", "127.0.0.1", "--port", str(setup.port), "--workers", str(setup.workers)]
    return [ENV, *environment, sys.executable, "-m", "synapse_gateway", *options]


NGINX = """
worker_processes {workers};
daemon off;
pid nginx.pid;
error_log nginx.err warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  client_body_buffer_size 256k;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream stub {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} reuseport backlog=2048;
    location / {{
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }}
  }}
}}
"""


def nginx(setup: ProxySetup) -> list[str]:
    """Return nginx' command: a plain streaming reverse proxy, connections kept on both sides, no log."""
    text = NGINX.format(workers=setup.workers, upstream=setup.upstream, port=setup.port)
    file = _written(setup, "nginx.conf", text)
    return [str(debian.program("nginx")), "-e", "nginx.err", "-p", str(setup.folder), "-c", file]


def lite_llm(setup: ProxySetup) -> list[str]:
    """Return LiteLLM's command, set up as its documentation advises for production."""
    parameters = {"model": "openai/stub", "api_base": f"http://127.0.0.1:{setup.upstream}/v1", "api_key": "none"}
    config = {
        "model_list": [{"model_name": "stub", "litellm_params": parameters}],
        "litellm_settings": {"set_verbose": False, "json_logs": True, "request_timeout": 600},
        "general_settings": {"master_key": KEY},
    }
    file = _written(setup, "litellm.yaml", json.dumps(config))
    quiet = ["LITELLM_MODE=PRODUCTION", "LITELLM_LOG=ERROR", "LITELLM_LOCAL_MODEL_COST_MAP=True"]
    options = ["--config", file, "--host", "127.0.0.1", "--port", str(setup.port), "--telemetry", "False"]
    return [ENV, *quiet, str(litellm.environment() / "bin/litellm"), *options, "--num_workers", str(setup.workers)]


PROXIES: Mapping[str, Prepare] = {"nginx": nginx, "gateway": gateway, "litellm": lite_llm}
DIRECT = "direct"


@contextmanager
def stub(folder: Path, cores: Cores) -> Iterator[RunningProcess]:
    """Start the stub, which stands in for the backend."""
    port = free_port()
    command = [str(program()), "stub", f"-port={port}"]
    probe = ProbeRequest(path="/health", headers={})
    with running(command, cores.rest, port, folder / "stub.log", probe) as process:
        yield process


@contextmanager
def proxy(name: str, setup: ProxySetup, cores: Cores) -> Iterator[RunningProcess]:
    """Start one of PROXIES in front of the stub."""
    setup.folder.mkdir(parents=True, exist_ok=True)
    command = PROXIES[name](setup)
    with running(command, cores.proxy, setup.port, setup.folder / f"{name}.log", PROBE) as process:
        yield process


def _written(setup: ProxySetup, name: str, text: str) -> str:
    path = setup.folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)
