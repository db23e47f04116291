"""Table of how each image is checked, for docs/upstream.md: `python -m tests.upstream.reference`."""

import re
import sys
from collections.abc import Mapping

from infra.catalog.kinds import CATALOG
from tests.upstream.container import pod_spec
from tests.upstream.images import PROGRAMS
from tests.upstream.records import RECORDS, Record
from tests.upstream.stack import objects
from tools.offline.pins import PINS

WORKLOADS = frozenset({"Deployment", "DaemonSet", "CronJob", "Job"})
OTHERS = {"curl": "/curlimages/curl:", "kubectl": "/kubectl:", "nvidia-device-plugin": "/k8s-device-plugin:"}
"""Record -> part of its image, which belongs to no kind."""
CHECKS = {"run": "run here", "parsed": "parsed here", "read": "read only"}
HEAD = """# Contracts of images

Every pod of a stack, beside what its image really is. `tests/upstream` starts the real program as the pod would: the
pod's user, a read-only root, its mounts and no other writable folder, its variables, arguments and nothing more, no
capabilities, no route out of its network; until its readiness probe answers and it has served a request.

- **run here**: the program runs in the tests.
- **parsed here**: its own parser, or the table of options in its source, reads the arguments that the pod gives.
- **read only**: the rendered pod is compared with the facts of `tests/upstream/records.yaml`, each with its source.

The seccomp profile, the limits of memory and CPU, and GPUs are not part of these tests; the cluster's tests cover the
first two. `python -m tests.upstream.reference` renders this page.

| Image | Check | Version here | Pinned | Differences | Source of the facts, with its commit and the day |
| --- | --- | --- | --- | --- | --- |
"""


def pinned() -> Mapping[str, str]:
    """Return the version of each image of the stack by its record; empty where its tag has none."""
    kinds = {kind: spec.image or "" for kind, spec in CATALOG.items()}
    others = {name: image for image in images() for name, part in OTHERS.items() if part in image}
    return {name: tag(image) for name, image in {**kinds, **others}.items()}


def images() -> set[str]:
    """Return the images of all containers of the stack."""
    pods = [pod_spec(each) for each in objects() if each["kind"] in WORKLOADS]
    return {each["image"] for pod in pods for each in [*pod.get("initContainers", ()), *pod["containers"]]}


def tag(image: str) -> str:
    """Return the version in the tag of an image: `1.2.3` of `a/b:v1.2.3-cpu@sha256:...`."""
    _, _, label = image.partition("@")[0].rpartition("/")[2].partition(":")
    match = re.search(r"\d[\w.]*", label.removeprefix("server-"))
    return match[0] if match else label


def differences(record: Record, version: str) -> str:
    """Return the differences as text, with a difference of versions where nothing is said of one."""
    other = record.version and version and record.version != version and "version" not in record.differs.lower()
    texts = [record.differs] if record.differs else []
    return "; ".join([*texts, f"{record.version} for {version}"] if other else texts) or "none"


def render() -> str:
    """Return the page."""
    versions = pinned()
    lines = [
        f"| {name} | {CHECKS[record.check]} | {version_here(name)} | {versions.get(name, '')} "
        f"| {differences(record, versions.get(name, ''))} | {record.source}, {record.read} |"
        for name, record in sorted(RECORDS.items())
    ]
    return HEAD + "\n".join(lines) + "\n"


def version_here(name: str) -> str:
    version = PINS[PROGRAMS[name]].version if name in PROGRAMS else RECORDS[name].version
    return f"{version} ({RECORDS[name].origin})" if version else ""


if __name__ == "__main__":
    sys.stdout.write(render())
