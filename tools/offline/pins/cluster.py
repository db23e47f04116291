"""Pinned programs of a private cluster besides Kubernetes: DNS, network policies, volumes, images, ingress."""

from dataclasses import replace
from typing import Final

from tools.offline.pins.pin import MODULES, GoPackage, Patch, built

TRAEFIK: Final = "3.6.12"

_COREDNS: Final = built(
    "coredns", "1.13.1", GoPackage(module=MODULES / "coredns", package="synapse.tools/coredns", minutes=3)
)
_KUBE_ROUTER: Final = built(
    "kube-router",
    "2.2.1",
    GoPackage(
        module=MODULES / "kube-router", package="github.com/cloudnativelabs/kube-router/v2/cmd/kube-router", minutes=3
    ),
)
_LOCAL_PATH: Final = built(
    "local-path-provisioner",
    "0.0.30",
    GoPackage(module=MODULES / "local-path", package="github.com/rancher/local-path-provisioner", minutes=2),
)
_PAUSE: Final = built("pause", "1.0.0", GoPackage(module=MODULES / "pause", package="synapse.tools/pause", minutes=1))
_PROBE: Final = built("probe", "1.0.0", GoPackage(module=MODULES / "probe", package="synapse.tools/probe", minutes=1))
_REGISTRY: Final = built(
    "image-registry",
    "1.0.0",
    GoPackage(module=MODULES / "registry", package="synapse.tools/registry", version="0.21.0", minutes=1),
)
_TRAEFIK: Final = replace(
    built(
        "traefik",
        TRAEFIK,
        GoPackage(
            module=MODULES / "traefik",
            package="github.com/traefik/traefik/v3/cmd/traefik",
            variables={"github.com/traefik/traefik/v3/pkg/version.Version": TRAEFIK},
            patch=Patch(
                module="github.com/go-acme/lego/v4",
                files={"providers/dns/zz_gen_dns_providers.go": (MODULES / "traefik/dns.go").read_text("utf-8")},
            ),
            minutes=5,
        ),
    ),
    ask="version",
)

ALL: Final = (_COREDNS, _KUBE_ROUTER, _LOCAL_PATH, _PAUSE, _PROBE, _REGISTRY, _TRAEFIK)
