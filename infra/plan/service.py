"""A service as it will run: its kind's defaults, what the stack file changed, and the claim that follows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from infra.catalog.kinds import backend_spec
from infra.catalog.spec import BackendSpec, Probes, Volume
from infra.quantities import BUILD
from infra.settings.services import Service
from infra.sizing.budget import LedgerLine, ResourceClaim
from infra.sizing.vram import ModelSpec, Vram


@dataclass(frozen=True, kw_only=True)
class ServicePlan:
    """One service of a stack; *name* is its key in the stack file."""

    name: str
    backend: BackendSpec
    options: Service
    claim: ResourceClaim
    image: str  # BUILD: of its source
    replicas: int
    vram: Vram | None = None
    shared_claims: frozenset[str] = frozenset()  # disks whose claim another service makes
    observed: tuple[Volume, ...] = ()  # disks of others that it looks at

    @property
    def source(self) -> str | None:
        """The folder of this repository that its image is built from; None for one that is pulled."""
        return self.backend.source if self.image == BUILD else None

    @property
    def service_name(self) -> str:
        """The name of its Service and Deployment in the cluster."""
        return self.backend.service if self.name == self.backend.kind else self.name

    def address(self, namespace: str) -> str:
        """Host and port of its Service, for every pod of the cluster."""
        return f"{self.service_name}.{namespace}.svc.cluster.local:{self.backend.port}"

    @property
    def pods_service(self) -> str | None:
        """The headless Service that names each of its pods, where a scrape of several by one address would mix them."""
        return f"{self.service_name}-pods" if self.backend.metrics and self.replicas > 1 else None

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Its claims, named after it where it is not the only one of its kind; `disk` sizes the first.

        Those that it looks at come after its own.
        """
        own = "" if self.name == self.backend.kind else f"{self.name}-"
        named = [disk if disk.is_shared else replace(disk, name=own + disk.name) for disk in self.backend.volumes]
        if named and self.options.disk:
            named[0] = replace(named[0], size=self.options.disk)
        return (*named, *self.observed)

    @property
    def probes(self) -> Probes:
        """Its kind's probes; startup waits as long as its options say that loading takes."""
        probes, load_s = self.backend.probes, self.options.load_seconds
        if load_s is None:
            return probes
        failures = math.ceil(load_s / probes.startup.period_s)
        return replace(probes, startup=replace(probes.startup, failures=failures))

    @property
    def timeout_s(self) -> int:
        """The longest that one request may take it, in seconds; 0 where none goes through it."""
        return self.options.timeout_s or self.backend.timeout_s

    @property
    def line(self) -> LedgerLine:
        """Its line of the ledger."""
        return LedgerLine(name=self.service_name, claim=self.claim, replicas=self.replicas, phase=self.backend.phase)

    @property
    def lines(self) -> tuple[LedgerLine, ...]:
        """Its line, and those of the pods that come beside it: one more while it rolls, and one that restarts it."""
        rolls, restart = self.backend.strategy == "RollingUpdate", self.backend.restart
        more = (
            [replace(self.line, name=f"{self.service_name} (rollout)", replicas=1, is_lasting=False)] if rolls else []
        )
        if restart:
            more.append(LedgerLine(name=restart.name, claim=restart.claim, phase=self.backend.phase, is_lasting=False))
        return self.line, *more


def resolve(name: str, options: Service, model_specs: Mapping[str, ModelSpec]) -> ServicePlan:
    """The service *name* with every default filled in. *model_specs* hold the figures of the models."""
    backend = backend_spec(name, options)
    vram = options.vram(model_specs)
    return ServicePlan(
        name=name,
        backend=backend,
        options=options,
        claim=_claim(backend.claim, options, vram, model_specs),
        image=options.image or backend.image or "",
        replicas=options.replicas or backend.replicas,
        vram=vram,
    )


def _claim(
    default: ResourceClaim, options: Service, vram: Vram | None, model_specs: Mapping[str, ModelSpec]
) -> ResourceClaim:
    claim = replace(
        default,
        gpus=default.gpus if options.gpus is None else options.gpus,
        vram=vram.total if vram else options.gpu_memory or default.vram,
        shared_memory=options.shared_memory_bytes,
        sleeping_weights=options.sleeping_weights(model_specs),
        working_set=options.working_set(model_specs),
    )
    if options.memory:
        claim = replace(claim, memory_request=options.memory.request, memory_limit=options.memory.limit)
    if options.cpu:
        claim = replace(claim, cpu_request=options.cpu.request, cpu_limit=options.cpu.limit)
    return claim
