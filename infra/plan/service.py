"""Plan of one service: the defaults of its kind, the options of the stack file, and the claim that follows."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from infra.catalog.kinds import backend_spec
from infra.catalog.spec import BackendSpec, Probes, Volume
from infra.plan.fetching import FetchPlan, fetch_plan
from infra.plan.fit import fitting
from infra.plan.start_time import StartTime, download_s
from infra.quantities import BUILD, SLOW_LINE
from infra.settings.services import Service
from infra.sizing.budget import LedgerLine, ResourceClaim
from infra.sizing.image_sizes import download_size
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Vram


@dataclass(frozen=True, kw_only=True)
class ServicePlan:
    """One service of a stack; *name* is its key in the stack file."""

    name: str
    backend: BackendSpec
    options: Service
    claim: ResourceClaim
    image: str  # BUILD: built from its source
    replicas: int
    download_mbit: int = SLOW_LINE  # least speed of the node's line
    weights: int = 0  # bytes that its first start downloads
    vram: Vram | None = None
    shared_claims: frozenset[str] = frozenset()  # volumes whose PVC another service creates
    observed: tuple[Volume, ...] = ()  # volumes of other services, mounted read-only
    fetch: FetchPlan | None = None  # models that the stack fetches for it
    arguments: tuple[str, ...] = ()  # of its command line
    fit: Callable[[int], str] | None = field(default=None, compare=False)  # bytes of a GPU -> what fits into them

    @property
    def source(self) -> str | None:
        """Folder of this repository that its image is built from; None for an image that is pulled."""
        return self.backend.source if self.image == BUILD else None

    @property
    def sources(self) -> tuple[str, ...]:
        """Folders of this repository that its images are built from: its own, and that of its models."""
        folders = (self.source, self.fetch.source if self.fetch else None)
        return tuple(folder for folder in folders if folder)

    @property
    def service_name(self) -> str:
        """Name of its Service and Deployment in the cluster."""
        return _service_name(self.name, self.backend)

    def address(self, namespace: str) -> str:
        """Return host and port of its Service inside the cluster."""
        return f"{self.service_name}.{namespace}.svc.cluster.local:{self.backend.port}"

    @property
    def pods_service(self) -> str | None:
        """Name of its headless Service, by which Prometheus scrapes each of several pods; None for a single pod."""
        return f"{self.service_name}-pods" if self.backend.metrics and self.replicas > 1 else None

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Its own volumes, then those that it mounts read-only.

        They carry the service's name, unless that is the name of its kind; the option `disk` sizes the first one.
        """
        own = "" if self.name == self.backend.kind else f"{self.name}-"
        named = [each if each.is_shared else replace(each, name=own + each.name) for each in self.backend.volumes]
        if named and self.options.disk:
            named[0] = replace(named[0], size=self.options.disk)
        return (*named, *self.observed)

    @property
    def probes(self) -> Probes:
        """Probes of its kind; the startup probe waits for the loading time in its options, or for its weights too."""
        probes = self.backend.probes
        startup = probes.startup
        load_s = self.options.load_seconds
        if load_s is None:
            load_s = startup.period_s * startup.failures + download_s(self.weights, self.download_mbit)
        return replace(probes, startup=replace(startup, failures=math.ceil(load_s / startup.period_s)))

    @property
    def start(self) -> StartTime:
        """Time that its pods may take to start; an image that is built is there already."""
        return StartTime(
            probes=self.probes,
            image_size=0 if self.source else download_size(self.image),
            download_mbit=self.download_mbit,
            replicas=self.replicas,
            grace_s=self.backend.grace_s,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of its kind, of its CPU limit and of its options."""
        variable, cores = self.backend.thread_variable, max(1, self.claim.cpu_limit // 1000)
        threads = {variable: str(cores)} if variable else {}
        options = self.options
        return {**self.backend.environment, **threads, **options.derived_environment, **options.environment}

    @property
    def timeout_s(self) -> int:
        """Longest time for one request, in seconds; 0 where no request passes it."""
        return self.options.timeout_s or self.backend.timeout_s

    @property
    def line(self) -> LedgerLine:
        """Its line of the ledger."""
        return LedgerLine(
            name=self.service_name,
            claim=self.claim,
            replicas=self.replicas,
            phase=self.backend.phase,
            fit=self.fit,
        )

    @property
    def lines(self) -> tuple[LedgerLine, ...]:
        """Its line, and the lines of temporary pods: during a rollout, a scheduled restart and a fetch of models."""
        rolls, restart = self.backend.strategy == "RollingUpdate", self.backend.restart
        more = (
            [replace(self.line, name=f"{self.service_name} (rollout)", replicas=1, is_lasting=False)] if rolls else []
        )
        if restart:
            more.append(LedgerLine(name=restart.name, claim=restart.claim, phase=self.backend.phase, is_lasting=False))
        if self.fetch:
            phase = self.backend.phase
            more.append(LedgerLine(name=self.fetch.name, claim=self.fetch.claim, phase=phase, is_lasting=False))
        return self.line, *more


@dataclass(frozen=True, kw_only=True)
class NodeFigures:
    """Figures of a node that the plan of a service needs.

    *gpu_memory*: bytes of its smallest GPU. *from_packages*: models may come from packages, where their addresses
    cannot be reached.
    """

    download_mbit: int = SLOW_LINE
    gpu_memory: int = 0
    from_packages: bool = False


def resolve(
    name: str,
    options: Service,
    model_specs: Mapping[str, ModelSpec],
    node: NodeFigures = NodeFigures(),
) -> ServicePlan:
    """Return the plan of the service *name*, with defaults for everything that its options leave out.

    Raises KeyError for a model without a spec in *model_specs*.
    """
    backend = backend_spec(name, options)
    gpu_memory = node.gpu_memory
    vram = options.vram(model_specs, gpu_memory)
    return ServicePlan(
        name=name,
        backend=backend,
        options=options,
        claim=_claim(backend.claim, options, vram, model_specs),
        image=options.image or backend.image or "",
        replicas=options.replicas or backend.replicas,
        download_mbit=node.download_mbit,
        weights=_weights(backend, options, model_specs),
        vram=vram,
        arguments=(
            *(options.flags(vram, model_specs, gpu_memory) or _replaced(backend.arguments, options.added_flags)),
            *options.arguments,
        ),
        fit=lambda free: fitting(options, model_specs, gpu_memory, free),
        fetch=fetch_plan(_service_name(name, backend), backend, options, model_specs, from_packages=node.from_packages),
    )


def _weights(backend: BackendSpec, options: Service, model_specs: Mapping[str, ModelSpec]) -> int:
    """Return the bytes of the model that the server downloads when it starts first; 0 where it downloads none."""
    if not backend.fetches or options.model_store != "snapshot":
        return 0
    return sum(options.model_weights(model.name, model_specs[model.model_spec]) for model in options.served_models())


def _replaced(arguments: tuple[str, ...], flags: Mapping[str, str]) -> tuple[str, ...]:
    """Return *arguments* with the values of *flags*, at the end those that they do not have."""
    words = list(arguments)
    for flag, value in flags.items():
        if flag in words:
            words[words.index(flag) + 1] = value
        else:
            words += [flag, value]
    return tuple(words)


def _service_name(name: str, backend: BackendSpec) -> str:
    return backend.service if name == backend.kind else name


def _claim(
    default: ResourceClaim, options: Service, vram: Vram | None, model_specs: Mapping[str, ModelSpec]
) -> ResourceClaim:
    claim = replace(
        default,
        gpus=default.gpus if options.gpus is None else options.gpus,
        vram=vram.total if vram else options.gpu_memory or default.vram,
        vram_parts=vram.parts if vram else (),
        vram_error=options.error if vram else 0,
        shared_memory=options.shared_memory_bytes,
        sleeping_weights=options.sleeping_weights(model_specs),
        working_set=options.working_set(model_specs),
    )
    if options.memory:
        claim = replace(claim, memory_request=options.memory.request, memory_limit=options.memory.limit)
    if options.cpu:
        claim = replace(claim, cpu_request=options.cpu.request, cpu_limit=options.cpu.limit)
    return claim
