"""Images of the programs that run here: where their files come from on this machine."""

from dataclasses import replace

from tests.upstream.image import Image
from tests.upstream.records import RECORDS
from tools.offline.toolchain import tool

PROGRAMS = {
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "blackbox": "blackbox_exporter",
    "node-exporter": "node_exporter",
    "kube-state-metrics": "kube-state-metrics",
    "kubectl": "kubectl",
}
"""Kind -> its pinned program, which is the whole image: it needs no library."""


def image(kind: str) -> Image:
    """Return the image of a kind whose program is pinned in `tools/offline/pins`."""
    (path,) = RECORDS[kind].entrypoint[:1]
    return configured(kind, Image(files={path: tool(PROGRAMS[kind])}))


def configured(kind: str, files: Image) -> Image:
    """Return *files* with the entry point, variables and folder that upstream's image has."""
    record = RECORDS[kind]
    return replace(
        files,
        entrypoint=record.entrypoint,
        command=record.command,
        environment={**files.environment, **record.environment},
        working_folder=record.folder,
    )
