"""Registries as the node reaches them: one pod for each, whose image no registry has. Nothing is downloaded.

The kubelet's message about the failed pull says whether the registry answered; only the node knows its DNS, its proxy
and its /etc/rancher/k3s/registries.yaml.
"""

from collections.abc import Mapping
from typing import Any, Final

from kubernetes import client, watch

from infra import hardening
from infra.labels import NAME_LABEL
from infra.plan import device_plugin
from infra.plan.stack import Plan
from infra.quantities import BUILD
from ops.cluster.api_errors import error_text
from ops.cluster.pod_status import waiting_reasons
from ops.doctor.probe import NAMESPACE, POD_PREFIX, RESOURCES, ProbeError, created_pod

ABSENT: Final = "synapse-doctor/no-such-image:none"
PULL_FAILED: Final = ("ErrImagePull", "ImagePullBackOff")


def registries(plan: Plan) -> tuple[str, ...]:
    """Return the registries that the stack's images are pulled from: a host or, for built images, host and path."""
    images = [service.image for service in plan.services if service.image != BUILD]
    if device_plugin.is_deployed(plan.settings.node, plan.settings.phase):
        images.append(device_plugin.IMAGE)
    hosts = {image.partition("/")[0] for image in images if "/" in image}
    built = plan.settings.registry if plan.sources else None
    return tuple(sorted(hosts | ({built} if built else set())))


def probe_registries(core: Any, plan: Plan, within_s: float) -> Mapping[str, str]:  # noqa: ANN401 - untyped client
    """Return the kubelet's message for each registry, or the reason why there is none."""
    return {name: _message(core, plan.settings.node.name, name, within_s) for name in registries(plan)}


def pod(node: str, registry: str) -> dict[str, Any]:
    """Return the manifest of a pod on *node* that never starts."""
    container = {
        "name": "pull",
        "image": f"{registry}/{ABSENT}",
        "imagePullPolicy": "Always",
        "resources": {"requests": RESOURCES, "limits": RESOURCES},
        "securityContext": hardening.container_security(),
    }
    return {
        "metadata": {"generateName": POD_PREFIX, "labels": {NAME_LABEL: "synapse-doctor"}},
        "spec": {
            "nodeName": node,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            **hardening.pod_fields(),
        },
    }


def _message(core: Any, node: str, registry: str, within_s: float) -> str:  # noqa: ANN401 - the client is untyped
    try:
        with created_pod(core, pod(node, registry)) as name:
            return _pull_message(core, name, within_s)
    except client.ApiException as error:
        return f"the API server refuses the probe's pod: {error_text(error)}"
    except ProbeError as error:
        return str(error)


def _pull_message(core: Any, name: str, within_s: float) -> str:  # noqa: ANN401 - the client is untyped
    options = {"field_selector": f"metadata.name={name}", "timeout_seconds": max(int(within_s), 1)}
    events: Any = watch.Watch()  # type: ignore[no-untyped-call]
    for event in events.stream(core.list_namespaced_pod, NAMESPACE, **options):
        for reason in waiting_reasons(event["object"]):
            if reason.startswith(PULL_FAILED):
                return reason
    raise ProbeError(f"no pull began within {within_s:g} s")
