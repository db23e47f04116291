"""Arguments of a workload."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import pulumi

from infra.catalog.spec import Scratch, Volume
from infra.plan.fetching import FetchPlan
from infra.plan.start_time import StartTime
from infra.sizing.budget import ResourceClaim


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs:
    """One kind of pod, the number of pods, and their resources. Sizes are bytes."""

    name: str  # of its Deployment, Service and selector
    component: str
    namespace: pulumi.Input[str]
    image: pulumi.Input[str]
    port: int  # of the Service
    container_port: int
    claim: ResourceClaim
    start: StartTime  # probes, replicas, and the time that a start may take
    strategy: str
    command: Sequence[str] = ()  # empty: the command of the image
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    field_environment: Mapping[str, str] = field(default_factory=dict)
    """Variable -> path of a field of the pod, such as `metadata.name`."""
    secret_environment: Mapping[str, tuple[pulumi.Input[str], str]] = field(default_factory=dict)
    """Variable -> name of the Secret and the key in it."""
    volumes: Sequence[Volume] = ()
    shared_claims: AbstractSet[str] = frozenset()  # volumes whose PVC another workload makes
    fetch: FetchPlan | None = None  # files before the Deployment, or models that its pods pull
    fetch_timeout_s: int = 0
    fetch_image: pulumi.Input[str] | None = None  # None: curl's published image
    fetch_secrets: Mapping[str, tuple[pulumi.Input[str], str]] = field(default_factory=dict)
    """Like *secret_environment*, of the pod that fetches."""
    fetch_pull_secret: pulumi.Input[str] | None = None  # the same as *pull_secret*, for *fetch_image*
    scratch: Sequence[Scratch] = ()
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Mount path -> name of the ConfigMap whose keys are the files there."""
    storage_class: str = "local-path"
    runtime_class: str | None = None
    account: pulumi.Input[str] | None = None  # the ServiceAccount whose token the pods mount; None: no token
    pull_secret: pulumi.Input[str] | None = None  # Secret with the login of the image's registry; None: no login
    user: int = 10_000
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)  # of the pods
    waits: Mapping[str, str] = field(default_factory=dict)  # timeout annotations of the Deployment and Service
    pods_service: str | None = None  # name of a headless Service with one DNS record for each pod; None: none
