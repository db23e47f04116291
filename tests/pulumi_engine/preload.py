"""What the Kubernetes client puts off until its first use, done once for every process that is forked from this one."""

from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

NOBODY = "http://127.0.0.1:9"
EMPTY = {"metadata": {"name": "a"}, "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "a"}]}}}}


def warm() -> None:
    """Its first calls and its first objects take a second; nobody answers these."""
    configuration: Any = client.Configuration()
    configuration.host, configuration.retries = NOBODY, False
    with client.ApiClient(configuration) as api:
        for methods in (client.CoreV1Api(api), client.AppsV1Api(api)):
            for name in ("config_map", "service", "deployment", "persistent_volume_claim"):
                for verb in ("read", "delete"):
                    _tried(getattr(methods, f"{verb}_namespaced_{name}", None), "a", "b")
                _tried(getattr(methods, f"patch_namespaced_{name}", None), "a", "b", {})
            for verb in ("create_namespaced_config_map", "create_namespaced_service"):
                _tried(getattr(methods, verb, None), "b", {})
            for verb in ("list_namespaced_deployment", "list_namespaced_pod"):
                _tried(getattr(methods, verb, None), "b")
    client.V1Deployment.from_dict(EMPTY)
    for kind in (client.V1ConfigMap, client.V1Service, client.V1PodList, client.V1DeploymentList):
        kind.from_dict({"items": []})


def _tried(call: Any, *arguments: Any) -> None:
    if call is not None:
        try:
            call(*arguments)
        except HTTPError:
            return


warm()
