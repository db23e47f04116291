"""Monitoring (phase 6): files of the servers, access, and the same with a Prometheus operator."""

from typing import Any

import pytest
import yaml

from infra.catalog.kinds import OPERATED
from infra.errors import SettingsError
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from stacks.rendering import manifests
from tests.conftest import Config, changed, forge_config, planned, settings_of

Objects = dict[tuple[str, str], dict[str, Any]]


def objects(planned: Plan) -> Objects:
    return {(item["kind"], item["metadata"]["name"]): item for item in manifests(planned)}


@pytest.fixture(scope="module")
def forge() -> Objects:
    return objects(planned())


def operated(**section: object) -> Config:
    rendered = forge_config()
    for kind in OPERATED:
        del rendered["synapse:services"][kind]
    return rendered | {"synapse:monitoring": {"operator": True, **section}}


@pytest.fixture(scope="module")
def by_operator() -> Objects:
    return objects(plan(settings_of(operated(labels={"release": "stack"}))))


def pod(rendered: Objects, name: str) -> dict[str, Any]:
    template: dict[str, Any] = rendered["Deployment", name]["spec"]["template"]
    return template


def environment(rendered: Objects, name: str) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in _only(rendered, name)["env"]}


def _only(rendered: Objects, name: str) -> dict[str, Any]:
    (only,) = pod(rendered, name)["spec"]["containers"]
    container: dict[str, Any] = only
    return container


def test_prometheus_has_its_files_and_reloads_them(forge: Objects) -> None:
    files = forge["ConfigMap", "prometheus-config"]["data"]
    assert files.keys() == {"prometheus.yml", "alerts.yml", "budget.yml"}
    assert yaml.safe_load(files["prometheus.yml"])["rule_files"] == ["alerts.yml", "budget.yml"]
    assert "--config.auto-reload" in _only(forge, "prometheus")["args"]
    assert "synapse.dev/files" not in pod(forge, "prometheus")["metadata"]["annotations"]


def test_a_changed_file_restarts_a_server_that_reads_it_once() -> None:
    def digest(value: object) -> str:
        rendered = objects(planned("monitoring.webhook", value))
        text: str = pod(rendered, "alertmanager")["metadata"]["annotations"]["synapse.dev/files"]
        return text

    assert digest("http://a.example/x") == digest("http://a.example/x") != digest("http://a.example/y")


def test_grafana_finds_its_datasource_and_dashboards(forge: Objects) -> None:
    mounts = {mount["name"]: mount["mountPath"] for mount in _only(forge, "grafana")["volumeMounts"]}
    assert mounts["provisioning-datasources"] == "/provisioning/datasources"
    assert mounts["dashboards"] == "/dashboards"
    assert "overview.json" in forge["ConfigMap", "grafana-dashboards"]["data"]
    providers = yaml.safe_load(forge["ConfigMap", "grafana-provisioning-dashboards"]["data"]["synapse.yaml"])
    assert providers["providers"][0]["options"] == {"path": "/dashboards"}


def test_without_a_password_viewing_is_anonymous(forge: Objects) -> None:
    rendered = environment(forge, "grafana")
    assert rendered["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert rendered["GF_AUTH_BASIC_ENABLED"] == "false"
    assert "GF_SECURITY_ADMIN_PASSWORD" not in rendered
    sealed = environment(objects(planned("grafanaPassword", {"secure": "v1:x"})), "grafana")
    assert sealed["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert sealed["GF_SECURITY_ADMIN_PASSWORD"] == {"secretKeyRef": {"name": "grafana-admin", "key": "password"}}


def test_the_exporter_sees_every_gpu_and_claims_none(forge: Objects) -> None:
    spec = pod(forge, "dcgm-exporter")["spec"]
    assert spec["runtimeClassName"] == "nvidia"
    assert "nvidia.com/gpu" not in _only(forge, "dcgm-exporter")["resources"]["limits"]
    assert environment(forge, "dcgm-exporter")["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert "command" not in _only(forge, "dcgm-exporter")
    assert "DCGM_FI_DEV_FB_USED" in forge["ConfigMap", "dcgm-exporter-config"]["data"]["counters.csv"]


def test_the_exporter_of_disks_sees_every_claim_and_can_write_to_none(forge: Objects) -> None:
    claims = {name for kind, name in forge if kind == "PersistentVolumeClaim"}
    volumes = {
        volume["name"]: volume["persistentVolumeClaim"] for volume in pod(forge, "node-exporter")["spec"]["volumes"]
    }
    assert volumes == {name: {"claimName": name, "readOnly": True} for name in claims}
    mounts = _only(forge, "node-exporter")["volumeMounts"]
    assert mounts == [{"name": name, "mountPath": f"/volumes/{name}", "readOnly": True} for name in volumes]
    assert "--collector.filesystem.mount-points-include=^/volumes/" in _only(forge, "node-exporter")["args"]


def test_kube_state_metrics_may_only_read_the_kinds_that_it_counts(forge: Objects) -> None:
    assert forge["Role", "kube-state-metrics"]["rules"] == [
        {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["list", "watch"]},
    ]
    assert ("ClusterRole", "kube-state-metrics") not in forge
    spec = pod(forge, "kube-state-metrics")["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("kube-state-metrics", True)
    assert "--namespaces=llm-infra" in _only(forge, "kube-state-metrics")["args"]


def test_an_operator_honors_the_labels_of_kube_state_metrics(by_operator: Objects) -> None:
    (endpoint,) = by_operator["PodMonitor", "kube-state-metrics"]["spec"]["podMetricsEndpoints"]
    assert endpoint["honorLabels"] is True


def test_replicas_with_metrics_have_a_headless_service(forge: Objects) -> None:
    service = forge["Service", "synapse-gateway-pods"]["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert service["selector"] == forge["Service", "synapse-gateway"]["spec"]["selector"]
    assert ("Service", "ollama-pods") not in forge
    assert ("Service", "synapse-gateway-pods") not in objects(planned("services.gateway.replicas", 1))


@pytest.mark.parametrize("phase", [1, 5])
def test_there_is_no_monitoring_before_phase_6(phase: int) -> None:
    kinds = {name for _, name in objects(planned("phase", phase))}
    assert not kinds & {"prometheus", "grafana", "alertmanager", "blackbox-exporter", "dcgm-exporter"}


def test_an_operator_gets_a_monitor_or_a_probe_for_each_service(by_operator: Objects) -> None:
    rendered = {kind: {name for k, name in by_operator if k == kind} for kind in ("PodMonitor", "Probe", "Deployment")}
    assert rendered["PodMonitor"] | rendered["Probe"] == rendered["Deployment"] | {"ingress"}
    assert not rendered["PodMonitor"] & rendered["Probe"]
    assert "prometheus" not in rendered["Deployment"]
    monitor = by_operator["PodMonitor", "synapse-gateway"]
    assert monitor["metadata"]["labels"]["release"] == "stack"
    labels = pod(by_operator, "synapse-gateway")["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    ports = [port["name"] for port in _only(by_operator, "synapse-gateway")["ports"]]
    assert [endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]] == ports


def test_an_operator_gets_the_same_rules(forge: Objects, by_operator: Objects) -> None:
    ours = yaml.safe_load(forge["ConfigMap", "prometheus-config"]["data"]["alerts.yml"])["groups"][0]["rules"]
    theirs = by_operator["PrometheusRule", "synapse"]["spec"]["groups"][0]["rules"]
    alike = [
        rule for rule in ours if rule["labels"].get("service") not in OPERATED and "prometheus_" not in rule["expr"]
    ]
    assert theirs == [rule for rule in alike if "alertmanager_" not in rule["expr"]]


def test_an_operator_scrapes_a_router_for_each_model() -> None:
    settings = load("forge-llamacpp")
    kept = {name: service for name, service in settings.services.items() if name not in OPERATED}
    monitoring = settings.monitoring.model_copy(update={"operator": True})
    rendered = objects(plan(settings.model_copy(update={"services": kept, "monitoring": monitoring})))
    endpoints = rendered["PodMonitor", "llama-router"]["spec"]["podMetricsEndpoints"]
    assert [endpoint["params"] for endpoint in endpoints] == [
        {"model": ["Qwen3-8B-Q4_K_M"]},
        {"model": ["Qwen2.5-Coder-7B-Instruct-Q4_K_M"]},
    ]
    assert ("Probe", "llama-router") in rendered


def test_the_operators_prometheus_may_scrape_from_its_namespace() -> None:
    rendered = objects(plan(settings_of(operated(namespace="watchers"))))
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "watchers"}}}
    for name, is_let_in in (("vllm-inference", True), ("blackbox-exporter", True), ("ollama", False)):
        (rule,) = rendered["NetworkPolicy", f"allow-{name}"]["spec"]["ingress"]
        assert (peer in rule["from"]) is is_let_in


@pytest.mark.parametrize(
    ("path", "value", "fragment"),
    [
        ("monitoring.operator", True, "synapse:services.grafana: the operator of synapse:monitoring.operator runs one"),
        ("monitoring.operator", True, "synapse:services.prometheus: the operator of synapse:monitoring.operator runs"),
        ("monitoring.webhook", "http://user:word@pager.example/", "synapse:monitoring.webhook: got"),
        ("monitoring.webhook", "https://pager.example/?key=1", "synapse:monitoring.webhook: got"),
        ("monitoring.scrapeS", 5, "synapse:monitoring.scrapeS: got 5; accepted: greater than or equal to 10"),
        ("monitoring.retention", 5, "synapse:monitoring.retention: unknown key; accepted: operator, namespace"),
        ("services.prometheus.retentionDays", 0, "synapse:services.prometheus.retentionDays: got 0"),
        ("grafanaPassword", "plain", "synapse:grafanaPassword: in plain text; accepted: a secret"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_accepted(path: str, value: object, fragment: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_of(changed(path, value))
    assert fragment in str(raised.value)


@pytest.mark.parametrize(
    ("missing", "section", "fragment"),
    [
        ("prometheus", {}, "services.grafana: has no data source; accepted: with a service of kind prometheus"),
        ("alertmanager", {"webhook": "http://a.example"}, "monitoring.webhook: has no sender; accepted: with a"),
    ],
)
def test_an_incomplete_monitoring_is_refused(missing: str, section: Config, fragment: str) -> None:
    config = forge_config() | {"synapse:monitoring": section}
    del config["synapse:services"][missing]
    with pytest.raises(SettingsError) as raised:
        settings_of(config)
    assert fragment in str(raised.value)
