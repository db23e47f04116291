"""The prober's configuration: a page that must answer 2xx, or a port that must open."""

from typing import Any

import yaml

MODULES: dict[str, Any] = {
    "http": {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": "ip4", "follow_redirects": False}},
    "tcp": {"prober": "tcp", "timeout": "5s", "tcp": {"preferred_ip_protocol": "ip4"}},
}


def config() -> str:
    """blackbox.yml."""
    return yaml.safe_dump({"modules": MODULES}, sort_keys=False)
