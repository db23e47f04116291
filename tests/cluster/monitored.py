"""A small stack with its monitoring, as the components render it, in a namespace of a cluster with real pods."""

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

ENGINES = ("llama-router", "chatterbox", "piper")
WATCHERS = ("prometheus", "alertmanager", "blackbox", "kube-state-metrics", "node-exporter")
READY_S = 300.0
"""A dozen servers start at once, and others work on the machine."""
SMALL: Config = {"memory": {"request": "64Mi", "limit": "512Mi"}, "cpu": {"request": "10m", "limit": 1}}


def watched(namespace: str, webhook: str, images: Mapping[str, str]) -> Plan:
    """The local stack's gateway, a language model and two voices, and who watches them; *images* by service."""
    config = config_of("local")
    kept = {name: config["synapse:services"][name] for name in ("gateway", *ENGINES)}
    services = {**kept, **dict.fromkeys(WATCHERS, SMALL)}
    services["gateway"] = {**kept["gateway"], "replicas": 2}  # each is to be found by its own address
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
    """The stack *plan* as it runs, and what its servers say."""

    plan: Plan
    api: Any

    @property
    def namespace(self) -> str:
        return self.plan.settings.namespace

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        return manifests(self.plan)

    def deploy(self) -> None:
        """Returns once every pod is ready."""
        for found in self.objects:
            create_from_dict(self.api, found)  # type: ignore[no-untyped-call]
        eventually(self._is_ready, "the stack is not ready", READY_S)

    def scale(self, deployment: str, replicas: int) -> None:
        body = {"spec": {"replicas": replicas}}
        client.AppsV1Api(self.api).patch_namespaced_deployment_scale(deployment, self.namespace, body)

    def make_restart(self, name: str, when: datetime) -> None:
        """A CronJob that has done what it should, once, and never will again."""
        jobs: Any = client.BatchV1Api(self.api)
        container = {"name": "it", "image": "none"}
        pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        spec = {"schedule": "0 4 * * *", "suspend": True, "jobTemplate": {"spec": {"template": pod}}}
        status = {"lastScheduleTime": when.isoformat(), "lastSuccessfulTime": when.isoformat()}
        jobs.create_namespaced_cron_job(self.namespace, {"metadata": {"name": name}, "spec": spec})
        jobs.patch_namespaced_cron_job_status(name, self.namespace, {"status": status})

    def file(self, config_map: str, name: str) -> str:
        """A file of a ConfigMap, as it is rendered."""
        (found,) = [each for each in self.objects if each["metadata"]["name"] == config_map and "data" in each]
        text: str = found["data"][name]
        return text

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Ask the gateway."""
        headers = {"Content-Type": "application/json"}
        return self._call("POST", f"synapse-gateway:http/proxy{path}", header_params=headers, body=body)

    def prometheus(self, path: str, **query: str) -> Any:
        """The data of an answer of Prometheus' own API."""
        answer = json.loads(self._call("GET", f"prometheus:http/proxy/api/v1/{path}?{urlencode(query)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.prometheus("query", query=expression)["result"]
        return found

    def _call(self, method: str, path: str, **more: Any) -> bytes:
        whole = f"/api/v1/namespaces/{self.namespace}/services/{path}"
        order = self.api.param_serialize(method, whole, auth_settings=["BearerToken"], **more)
        answer: bytes = self.api.call_api(*order).read()
        return answer

    def _is_ready(self) -> bool:
        listed: Any = client.AppsV1Api(self.api).list_namespaced_deployment(self.namespace).items
        return all(found.status.ready_replicas == found.spec.replicas for found in listed)
