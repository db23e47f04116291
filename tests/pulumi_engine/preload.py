"""Initialize the Kubernetes client once, for every process that is forked from this one."""

from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

CLOSED = "http://127.0.0.1:9"
EMPTY = {"metadata": {"name": "a"}, "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "a"}]}}}}


def preload() -> None:
    """Make the client's first calls and objects, which take a second, at an address that refuses connections."""
    configuration: Any = client.Configuration()
    configuration.host, configuration.retries = CLOSED, False
    with client.ApiClient(configuration) as api:
        for methods in (client.CoreV1Api(api), client.AppsV1Api(api)):
            for name in ("config_map", "service", "deployment", "persistent_volume_claim"):
                for verb in ("read", "delete"):
                    _call(getattr(methods, f"{verb}_namespaced_{name}", None), "a", "b")
                _call(getattr(methods, f"patch_namespaced_{name}", None), "a", "b", {})
            for verb in ("create_namespaced_config_map", "create_namespaced_service"):
                _call(getattr(methods, verb, None), "b", {})
            for verb in ("list_namespaced_deployment", "list_namespaced_pod"):
                _call(getattr(methods, verb, None), "b")
    client.V1Deployment.from_dict(EMPTY)
    for kind in (client.V1ConfigMap, client.V1Service, client.V1PodList, client.V1DeploymentList):
        kind.from_dict({"items": []})


def _call(method: Any, *arguments: Any) -> None:
    if method is not None:
        try:
            method(*arguments)
        except HTTPError:
            return


preload()
