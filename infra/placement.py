"""A service as it will run: its kind's defaults, what the stack file changed, and the claim that follows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from infra.budget import Claim, Line
from infra.catalogue import CATALOGUE, Backend, Disk, Probes
from infra.options import Service
from infra.vram import ModelCard, Vram


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One service of a stack; *name* is its key in the stack file."""

    name: str
    backend: Backend
    options: Service
    claim: Claim
    image: str
    replicas: int
    vram: Vram | None = None

    @property
    def service_name(self) -> str:
        """The name of its Service and Deployment in the cluster."""
        return self.backend.service if self.name == self.backend.kind else self.name

    @property
    def disks(self) -> tuple[Disk, ...]:
        """Its claims, named after it where it is not the only one of its kind; `disk` sizes the first."""
        own = "" if self.name == self.backend.kind else f"{self.name}-"
        named = [replace(disk, name=own + disk.name) for disk in self.backend.disks]
        if named and self.options.disk:
            named[0] = replace(named[0], size=self.options.disk)
        return tuple(named)

    @property
    def probes(self) -> Probes:
        """Its kind's probes; startup waits as long as its options say that loading takes."""
        probes, load_s = self.backend.probes, self.options.load_seconds
        if load_s is None:
            return probes
        failures = math.ceil(load_s / probes.startup.period_s)
        return replace(probes, startup=replace(probes.startup, failures=failures))

    @property
    def line(self) -> Line:
        """Its line of the ledger."""
        return Line(name=self.service_name, claim=self.claim, replicas=self.replicas, phase=self.backend.phase)


def place(name: str, options: Service, cards: Mapping[str, ModelCard]) -> Placed:
    """The service *name* with every default filled in. *cards* hold the figures of the models."""
    backend = CATALOGUE[options.kind or name]
    vram = options.vram(cards)
    return Placed(
        name=name,
        backend=backend,
        options=options,
        claim=_claim(backend.claim, options, vram),
        image=options.image or backend.image or "",
        replicas=options.replicas or backend.replicas,
        vram=vram,
    )


def _claim(default: Claim, options: Service, vram: Vram | None) -> Claim:
    claim = replace(
        default, gpus=options.gpus, vram=vram.total if vram else 0, shared_memory=options.shared_memory_bytes
    )
    if options.memory:
        claim = replace(claim, memory_request=options.memory.request, memory_limit=options.memory.limit)
    if options.cpu:
        claim = replace(claim, cpu_request=options.cpu.request, cpu_limit=options.cpu.limit)
    return claim
