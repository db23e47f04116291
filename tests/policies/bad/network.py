"""Exposed ports, missing TLS, undenied namespaces, clashing variables, and inverted timeouts."""

from tests.policies.bad.builders import Bad, bad, moved, server, service, variable, waits
from tests.policies.run_pack import thing

EXPOSED = "nothing-is-exposed"
LIMITS = "ports: {{ websecure: {{ transport: {{ respondingTimeouts: {{ readTimeout: {} }} }} }} }}"

NETWORK: tuple[Bad, ...] = (
    bad(EXPOSED, "node-port", "is of type NodePort", service("node-port", type="NodePort")),
    bad(EXPOSED, "load-balancer", "is of type LoadBalancer", service("load-balancer", type="LoadBalancer")),
    bad(EXPOSED, "external-address", "has externalIPs", service("external-address", externalIPs=["192.0.2.1"])),
    bad(
        EXPOSED,
        "host-network",
        "hostNetwork is True",
        server("host-network", kind="DaemonSet", pod={"hostNetwork": True}),
    ),
    bad(
        EXPOSED,
        "host-port",
        "has hostPort 80",
        server("host-port", ports=[{"containerPort": 80, "hostPort": 80}]),
    ),
    bad(
        "ingress-has-tls",
        "ingress-plain",
        "serves host a.example without TLS",
        thing("Ingress", {"rules": [{"host": "a.example"}]}, name="ingress-plain"),
    ),
    bad(
        "ingress-has-tls",
        "ingress-other",
        "serves host b.example without TLS",
        thing(
            "Ingress",
            {"rules": [{"host": "a.example"}, {"host": "b.example"}], "tls": [{"hosts": ["a.example"]}]},
            name="ingress-other",
        ),
    ),
    bad(
        "ingress-has-tls",
        "ingress-any",
        "every host without TLS",
        thing("Ingress", {"rules": [{}]}, name="ingress-any"),
    ),
    bad("ingress-has-tls", "route", "has no tls", thing("IngressRoute", {"routes": []}, name="route")),
    bad(
        "network-denies-by-default",
        "undenied",
        "namespace open has pods and no policy that denies ingress",
        moved("open", server("undenied")),
        moved("open", thing("NetworkPolicy", {"podSelector": {"matchLabels": {"a": "b"}}}, name="some-pods")),
        moved("open", thing("NetworkPolicy", {"podSelector": {}, "policyTypes": ["Egress"]}, name="way-out")),
        moved("open", thing("NetworkPolicy", {"podSelector": {}, "ingress": [{}]}, name="lets-in")),
    ),
    bad(
        "network-denies-by-default",
        "leaky",
        "namespace leaky has pods and no policy that denies egress by default",
        moved("leaky", server("leaky")),
        moved("leaky", thing("NetworkPolicy", {"podSelector": {}, "policyTypes": ["Ingress"]}, name="way-in")),
        moved(
            "leaky", thing("NetworkPolicy", {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}, name="out")
        ),
    ),
    bad(
        "services-set-nothing",
        "linked",
        "VLLM_PORT from Service/vllm",
        server("linked", pod={"enableServiceLinks": True}, image=f"vllm/vllm-openai:v0.30.0@sha256:{64 * 'a'}"),
        service("vllm"),
    ),
    bad(
        "services-set-nothing",
        "linked-redis",
        "REDIS_PORT from Service/redis",
        server("linked-redis", pod={"enableServiceLinks": None}, image=f"ghcr.io/berriai/litellm@sha256:{64 * 'a'}"),
        service("redis"),
    ),
    bad(
        "services-set-nothing",
        "linked-own",
        "its software reads OTHER_API_URL",
        server("linked-own", pod={"enableServiceLinks": None}, **variable("OTHER_API_URL", "http://x")),
        service("other-api"),
    ),
    bad(
        "timeouts-grow-outward",
        "impatient-ingress",
        "as ingress it waits 60 s, and Deployment/patient-gateway behind it takes up to 600 s",
        thing("Ingress", {"rules": [], "tls": [{}]}, name="impatient-ingress", annotations=waits("ingress", 60)),
        thing("Deployment", {}, name="patient-gateway", annotations=waits("gateway", 600)),
    ),
    bad(
        "timeouts-grow-outward",
        "impatient-gateway",
        "as gateway it waits 300 s, and Service/patient-backend behind it takes up to 900 s",
        thing("Deployment", {}, name="impatient-gateway", annotations=waits("gateway", 300)),
        thing("Service", {}, name="patient-backend", annotations=waits("backend", 900)),
    ),
    bad(
        "timeouts-grow-outward",
        "traefik",
        "by ports.websecure.transport.respondingTimeouts.readTimeout it waits 60 s, and Deployment/held-gateway",
        thing("HelmChartConfig", {"valuesContent": LIMITS.format("60s")}, name="traefik", namespace="kube-system"),
        thing("Deployment", {}, name="held-gateway", annotations=waits("gateway", 600)),
    ),
)
