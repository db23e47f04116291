"""A small stack with its monitoring, on a cluster with real pods."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from kubernetes import client
from kubernetes.utils import create_from_dict

from infra.plan.stack import Plan, plan
from stacks.rendering import manifests
from tests.cluster.conftest import eventually
from tests.conftest import Config, config_of, settings_of

MODELS = "models"
"""Name of the image of packaged models among the images of the services."""
ENGINES = ("llama-router", "chatterbox", "piper")
MONITORING = ("prometheus", "alertmanager", "blackbox", "kube-state-metrics", "node-exporter")
READY_S = 300.0
"""A dozen servers start at once, on a busy machine."""
SMALL: Config = {"memory": {"request": "64Mi", "limit": "384Mi"}, "cpu": {"request": "10m", "limit": 1}}


def monitored_plan(namespace: str, webhook: str, images: Mapping[str, str]) -> Plan:
    """Return a plan of the local stack's gateway, a language model, two voices and monitoring; *images* by service."""
    config = config_of("local")
    kept = {name: config["synapse:services"][name] for name in ("gateway", *ENGINES)}
    services = {**kept, **dict.fromkeys(MONITORING, SMALL)}
    services["gateway"] = {**kept["gateway"], "replicas": 2}  # each is scraped by its own address
    services = {name: {**section, "image": images[name]} for name, section in services.items()}
    changes = {
        "synapse:phase": 6,
        "synapse:namespace": namespace,
        "synapse:services": services,
        "synapse:routes": {
            **{model: [{"service": "llama-router"}] for model in ("chat", "coder")},
            "speech": config["synapse:routes"]["speech"],
        },
        "synapse:monitoring": {"webhook": webhook, "scrapeS": 10},
    }
    return plan(settings_of(config | changes))


@dataclass(frozen=True)
class MonitoredStack:
    """The running stack *plan*, with requests to its servers."""

    plan: Plan
    api: Any
    models_image: str

    @property
    def namespace(self) -> str:
        return self.plan.settings.namespace

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        return [_with_image(item, self.models_image) for item in manifests(self.plan)]

    def deploy(self) -> None:
        """Apply all objects, Deployments after the Jobs for their models, and wait until every pod is ready."""
        deployments = [item for item in self.objects if item["kind"] == "Deployment"]
        for item in self.objects:
            if item["kind"] != "Deployment":
                create_from_dict(self.api, item)  # type: ignore[no-untyped-call]
        eventually(self._has_models, "the models are not fetched", READY_S)
        for item in deployments:
            create_from_dict(self.api, item)  # type: ignore[no-untyped-call]
        eventually(self._is_ready, "the stack is not ready", READY_S)

    def _has_models(self) -> bool:
        jobs: Any = client.BatchV1Api(self.api).list_namespaced_job(self.namespace).items
        return bool(jobs) and all(job.status.succeeded for job in jobs)

    def scale(self, deployment: str, replicas: int) -> None:
        body = {"spec": {"replicas": replicas}}
        client.AppsV1Api(self.api).patch_namespaced_deployment_scale(deployment, self.namespace, body)

    def make_restart(self, name: str, when: datetime) -> None:
        """Make a suspended CronJob that has succeeded once."""
        jobs: Any = client.BatchV1Api(self.api)
        container = {"name": "it", "image": "none"}
        pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        spec = {"schedule": "0 4 * * *", "suspend": True, "jobTemplate": {"spec": {"template": pod}}}
        status = {"lastScheduleTime": when.isoformat(), "lastSuccessfulTime": when.isoformat()}
        jobs.create_namespaced_cron_job(self.namespace, {"metadata": {"name": name}, "spec": spec})
        jobs.patch_namespaced_cron_job_status(name, self.namespace, {"status": status})

    def file(self, config_map: str, name: str) -> str:
        """Return a file of a rendered ConfigMap."""
        (match,) = [each for each in self.objects if each["metadata"]["name"] == config_map and "data" in each]
        text: str = match["data"][name]
        return text

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Send a request to the gateway; return the response body."""
        headers = {"Content-Type": "application/json"}
        return self._call("POST", f"synapse-gateway:http/proxy{path}", header_params=headers, body=body)

    def prometheus(self, path: str, **query: str) -> Any:
        """Return the data of a response of Prometheus' API."""
        response = json.loads(self._call("GET", f"prometheus:http/proxy/api/v1/{path}?{urlencode(query)}"))
        assert response["status"] == "success", response
        return response["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        series: list[dict[str, Any]] = self.prometheus("query", query=expression)["result"]
        return series

    def _call(self, method: str, path: str, **more: Any) -> bytes:
        whole = f"/api/v1/namespaces/{self.namespace}/services/{path}"
        request = self.api.param_serialize(method, whole, auth_settings=["BearerToken"], **more)
        content: bytes = self.api.call_api(*request).read()
        return content

    def _is_ready(self) -> bool:
        listed: Any = client.AppsV1Api(self.api).list_namespaced_deployment(self.namespace).items
        return all(each.status.ready_replicas == each.spec.replicas for each in listed)


def _with_image(item: dict[str, Any], image: str) -> dict[str, Any]:
    """Return a Job with the image of packaged models, which a rendering does not know; others as they are."""
    if item["kind"] == "Job":
        (container,) = item["spec"]["template"]["spec"]["containers"]
        container["image"] = image
    return item
