"""A real blackbox exporter on loopback, with the configuration of a stack."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from infra.monitoring import blackbox
from infra.monitoring.metric_names import INGRESS
from infra.plan.stack import Plan
from tools.offline.toolchain import tool
from tools.twin.twin import free_port

START_S = 300.0


@dataclass(frozen=True)
class BlackboxExporter:
    """A running blackbox exporter."""

    url: str

    def probe(self, target: str) -> dict[str, float]:
        """Return the metrics of a probe of *target* by the ingress's host name."""
        response = httpx.get(f"{self.url}/probe", params={"module": INGRESS, "target": target}, timeout=START_S)
        families = text_string_to_metric_families(response.raise_for_status().text)
        return {sample.name: sample.value for family in families for sample in family.samples}


@contextmanager
def blackbox_exporter(plan: Plan, folder: Path) -> Iterator[BlackboxExporter]:
    config, port = folder / "blackbox.yml", free_port()
    config.write_text(blackbox.config(plan))
    options = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen([tool("blackbox_exporter"), *options], stdout=output, stderr=subprocess.STDOUT)
        try:
            exporter = BlackboxExporter(f"http://127.0.0.1:{port}")
            _wait_for(process, exporter.url)
            yield exporter
        finally:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the exporter ended"
        try:
            httpx.get(f"{url}/-/healthy").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the exporter does not respond after {START_S:.0f} s")
