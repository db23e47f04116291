"""Good programs that resemble bad ones: no rule refuses them."""

import pytest

from infra.annotations import KEEP, LOAD_SECONDS
from tests.conftest import changed
from tests.policies.bad.builders import context, disruption, moved, pod_context, server, service, small, variable, waits
from tests.policies.bad.gpu_exemptions import EXPORTER, exporter, there
from tests.policies.bad.network import LIMITS
from tests.policies.run_pack import DIGEST, Resource, judge, only, rules, thing

GOOD: dict[str, tuple[Resource, ...]] = {
    "no GPU is visible": (server("a", **variable("NVIDIA_VISIBLE_DEVICES", "void")),),
    "GPUs are measured": (exporter("a"), exporter("b", image=f"{EXPORTER.partition(':')[0]}@{DIGEST}")),
    "GPUs are offered": there("a"),
    "a claimed GPU is chosen": (server("a", gpus=1, **variable("NVIDIA_VISIBLE_DEVICES", "0")),),
    "a claimed GPU has its runtime": (server("a", gpus=1, pod={"runtimeClassName": "nvidia"}),),
    "a claimed GPU is recreated in a set": (server("a", kind="StatefulSet", gpus=1),),
    "a container's own context wins": (
        server(
            "a",
            pod={"securityContext": {}},
            securityContext=context(
                runAsNonRoot=True, runAsUser=1000, runAsGroup=1000, seccompProfile={"type": "Localhost"}
            ),
        ),
    ),
    "low ports may be bound": (
        server("a", securityContext=context(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})),
    ),
    "safe kernel settings": (
        server("a", pod=pod_context(sysctls=[{"name": "net.ipv4.tcp_keepalive_time", "value": "60"}])),
    ),
    "an account of its own": (
        server("a", pod={"automountServiceAccountToken": None, "serviceAccountName": "gateway"}),
    ),
    "a volume without a kind": (server("a", pod={"volumes": [{"name": "scratch", "hostPath": None}]}),),
    "a container that ends needs no probes": (
        server("a", pod={"initContainers": [small(name="i", readinessProbe=None, livenessProbe=None)]}),
    ),
    "a job is no server": (server("a", kind="Job", readinessProbe=None, livenessProbe=None, startupProbe=None),),
    "enough time to load": (server("a", annotations={LOAD_SECONDS: "30"}),),
    "a later version": (
        server("a", image=f"ghcr.io/berriai/litellm:v1.82.70@sha256:{64 * 'a'}"),
        server("b", image=f"ghcr.io/berriai/litellm:v1.182.7@sha256:{64 * 'a'}"),
        server("c", image=f"redis:1.82.7@sha256:{64 * 'a'}"),
    ),
    "secrets by reference": (
        server("a", env=[{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}}]),
        server("b", **variable("REDIS_URL", "redis://:$(REDIS_PASSWORD)@redis:6379")),
        server("c", **variable("API_KEY", "EMPTY")),
        server("d", **variable("TOKEN_FILE", "/run/secrets/token")),
        server("e", **variable("MAX_TOKENS", "4096")),
        server("f", args=["--api-key", "$(VLLM_API_KEY)", "--max-num-batched-tokens", "8192"]),
        server("g", command=["sh", "-c", 'redis-server --requirepass "$REDIS_PASSWORD"']),
        server("h", args=["--load-format=hf_transfer", "--tokenizer", "mistral"]),
        thing("ConfigMap", data={"config.yaml": "general_settings:\n  master_key: os.environ/LITELLM_MASTER_KEY\n"}),
        thing("ConfigMap", data={"config.yaml": "max_tokens: 4096\napi_key: ${API_KEY}\nreturn_tokens: true\n"}),
        ("kubernetes:core/v1:Secret", {"metadata": {"name": "s"}, "stringData": {"token": "hf_abcdefghijklmnop"}}),
        ("kubernetes:core/v1:Secret", {"metadata": {"name": "t"}, "data": {"password": "aHVudGVyMg"}}),
    ),
    "an address inside the cluster": (service("a"), service("b", type="ClusterIP", clusterIP="None")),
    "a Service of another kind": (("kubernetes:example.com/v1:Service", {"spec": {"type": "LoadBalancer"}}),),
    "TLS for every host": (
        thing(
            "Ingress",
            {
                "rules": [{"host": "a.example"}, {"host": "b.other.example"}],
                "tls": [{"hosts": ["a.example"]}, {"hosts": ["*.other.example"]}],
            },
        ),
        thing("IngressRoute", {"tls": {}}),
    ),
    "a Service without injected variables": (
        server("a", image=f"vllm/vllm-openai@sha256:{64 * 'a'}", pod={"enableServiceLinks": None}),
        service("vllm", clusterIP="None"),
        service("gateway"),
    ),
    "injected variables that no software reads": (
        server("a", pod={"enableServiceLinks": None}, **variable("SETTING", "x")),
        service("vllm"),
    ),
    "outer tiers wait longer": (
        thing("Middleware", {}, name="a", annotations=waits("ingress", 900)),
        thing("Service", {}, name="b", annotations=waits("gateway", 600)),
        thing("Service", {}, name="c", annotations=waits("backend", 600)),
    ),
    "a Traefik that waits longer, without a limit, or with its default": (
        thing("HelmChartConfig", {"valuesContent": LIMITS.format("15m")}, name="traefik"),
        thing("HelmChartConfig", {"valuesContent": LIMITS.format("0s")}, name="traefik"),
        thing("HelmChartConfig", {"valuesContent": "logs: { access: { enabled: true } }"}, name="traefik"),
        thing("HelmChartConfig", {"valuesContent": LIMITS.format("1s")}, name="another"),
        thing("Service", {}, name="b", annotations=waits("gateway", 900)),
    ),
    "a drain that ends": (
        server("two", spec={"replicas": 2}),
        disruption("a", "two", minAvailable=1),
        server("alone"),
        disruption("b", "alone", maxUnavailable=1),
        disruption("c", "nobody", minAvailable=1),
        moved("elsewhere", disruption("d", "alone", minAvailable=1)),
    ),
    "a claim that is kept": (
        thing("Namespace", name="kept", annotations={KEEP: "true"}),
        thing("PersistentVolumeClaim", {}, name="a", namespace="kept", annotations={KEEP: "true"}),
        thing("Namespace", name="empty"),
        thing("ConfigMap", name="a", namespace="empty"),
        ("kubernetes:core/v1:PersistentVolumeClaimPatch", thing("PersistentVolumeClaim", {}, name="b")[1]),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_program_is_accepted(name: str) -> None:
    assert judge(GOOD[name]) == []


def test_a_patch_may_leave_the_image_alone() -> None:
    _, props = server("a")
    del props["spec"]["template"]["spec"]["containers"][0]["image"]
    assert judge([("kubernetes:apps/v1:DeploymentPatch", props)]) == []
    assert rules(judge([("kubernetes:apps/v1:Deployment", props)])) == ["images-are-pinned"]


def test_a_protected_claim_needs_no_annotation() -> None:
    claim = thing("PersistentVolumeClaim", {}, name="held")
    assert rules(judge([claim])) == ["claims-survive-destroy"]
    assert judge([claim], protected=["held"]) == []


@pytest.mark.parametrize(("phase", "broken"), [(4, []), (5, ["network-denies-by-default"])])
def test_default_deny_is_not_required_before_phase_five(phase: int, broken: list[str]) -> None:
    token, props = server("a")
    props["metadata"]["namespace"] = "open"
    assert rules(judge([(token, props)], changed("phase", phase))) == broken


def test_a_namespace_may_be_left_open_by_name() -> None:
    token, props = server("a")
    props["metadata"]["namespace"] = "open"
    assert judge([(token, props)], pack={"network-denies-by-default": {"allow": ["Namespace/open"]}}) == []


def test_the_phase_is_configurable() -> None:
    token, props = server("a")
    props["metadata"]["namespace"] = "open"
    assert rules(judge([(token, props)], changed("phase", 3), {"network-denies-by-default": {"phase": 3}}))


def test_more_versions_may_be_denied() -> None:
    resource = server("a", image=f"redis:8.0.0@sha256:{64 * 'a'}")
    pack = {"harmful-images-are-denied": {"denied": {"redis": ["8.0.0"], "litellm": []}}}
    assert "runs redis 8.0.0" in only(judge([resource], pack=pack), "harmful-images-are-denied")
    digest = {"harmful-images-are-denied": {"denied": {"server": [f"sha256:{64 * 'a'}"]}}}
    assert judge([server("b")], pack=digest)


def test_a_timeout_that_cannot_be_read_is_refused() -> None:
    service_of = thing("Service", {}, name="a", annotations=waits("backend", 1) | {"synapse.dev/tier": "cellar"})
    assert "set them to one of ingress, gateway, backend" in only(judge([service_of]), "timeouts-grow-outward")


@pytest.mark.parametrize(
    ("values", "fragment"),
    [
        (LIMITS.format("soon"), "readTimeout soon cannot be read; write a duration such as 600s, or 0s for none"),
        ("ports: [", "its valuesContent cannot be read; write them as plain YAML"),
    ],
)
def test_limits_of_traefik_that_cannot_be_read_are_refused(values: str, fragment: str) -> None:
    config = thing("HelmChartConfig", {"valuesContent": values}, name="traefik")
    assert fragment in only(judge([config]), "timeouts-grow-outward")


def test_a_disruption_budget_may_select_by_expression() -> None:
    budget = thing(
        "PodDisruptionBudget",
        {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, "maxUnavailable": "0%"},
    )
    assert "none of the 1 pods of Deployment/a," in only(
        judge([server("a"), server("b"), budget]), "drains-are-not-blocked"
    )


def test_a_limit_of_the_whole_pod_claims_the_gpu() -> None:
    limits = {"limits": {"memory": "1Mi", "cpu": "1m", "nvidia.com/gpu": "1"}}
    pod = {"resources": limits, "runtimeClassName": "nvidia", "containers": [small(resources={})]}
    assert judge([server("a", pod=pod)]) == []
