"""Recording of LiteLLM: start it with test routes, send chats to missing backends, and scrape it."""

import subprocess
import time
from pathlib import Path

import httpx
import yaml

from tools.offline.environment import UV
from tools.twin.twin import free_port

START_S = 180.0
AWAY = "http://127.0.0.1:9/v1"  # nobody listens at the discard port
KEY = "sk-record"
MESSAGES = [{"role": "user", "content": "Hello"}]
COUNTED = (
    "litellm_proxy_total_requests_metric_total",
    "litellm_proxy_failed_requests_metric_total",
    "litellm_deployment_successful_fallbacks_total",
    "litellm_deployment_failed_fallbacks_total",
)
"""Seconds until the metrics are updated after a response."""


def record(version: str, folder: Path) -> str:
    """Return its /metrics after a request that a fallback answered, and one that no backend answered."""
    port = free_port()
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(_config()), encoding="utf-8")
    start = ["tool", "run", "--from", f"litellm[proxy]=={version}", "--with", "prometheus-client", "litellm"]
    options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([UV, *start, *options], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            return _metrics_after_chats(process, f"http://127.0.0.1:{port}", folder / "log")
        finally:
            process.terminate()
            process.wait()


def _config() -> dict[str, object]:
    """Return a configuration in the format of `RouteTable.litellm_config`."""
    first = {"model": "openai/first", "api_base": AWAY, "api_key": "none", "order": 1}
    second = {**first, "model": "openai/second", "order": 2}
    routes = {"chat": (first, {**second, "mock_response": "Hello"}), "lost": (first, second)}
    stops = [{"model_name": name, "litellm_params": each} for name, stops in routes.items() for each in stops]
    return {
        "model_list": stops,
        "router_settings": {"num_retries": 2, "timeout": 10, "enable_pre_call_checks": True},
        "litellm_settings": {"callbacks": ["prometheus"], "require_auth_for_metrics_endpoint": False},
        "general_settings": {"master_key": KEY},
    }


def _metrics_after_chats(process: subprocess.Popen[bytes], url: str, log: Path) -> str:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:
        _wait_for(process, client, log)
        codes = [
            client.post("/v1/chat/completions", json={"model": model, "messages": MESSAGES}).status_code
            for model in ("chat", "lost")
        ]
        assert codes[0] == httpx.codes.OK < codes[1], codes
        return _counted(client)


def _wait_for(process: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.get("/health/readiness").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(log.read_text(errors="replace"))


def _counted(client: httpx.Client) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        text = client.get("/metrics/").raise_for_status().text
        missing = [name for name in COUNTED if f"{name}{{" not in text]
        if not missing:
            return text
        time.sleep(0.5)
    raise AssertionError(f"LiteLLM does not count {missing}")
