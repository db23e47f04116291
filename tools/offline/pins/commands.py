"""Pinned programs of the commands: Pulumi and kube-score; and kubectl, which restarts LiteLLM."""

from dataclasses import replace
from typing import Final

from tools.offline.pins.pin import MODULES, GoPackage, Pin, Release, built

PULUMI: Final = "3.259.0"
KUBE_SCORE: Final = "1.20.0"
KUBECTL: Final = "1.36.4"

_PULUMI: Final = Pin(
    name="pulumi",
    version=PULUMI,
    at_least=(3, 200),
    below=(4,),
    ask="version",
    release=Release(
        url=f"https://get.pulumi.com/releases/sdk/pulumi-v{PULUMI}-linux-{{arch}}.tar.gz",
        program="pulumi/pulumi",
        arch={"x86_64": "x64", "aarch64": "arm64"},
        checksum={
            "x86_64": "94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5",
            "aarch64": "edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853",
        },
    ),
    source=GoPackage(
        module=MODULES / "pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{PULUMI}"},
        minutes=4,
    ),
)

_KUBE_SCORE: Final = built(
    "kube-score",
    KUBE_SCORE,
    GoPackage(
        module=MODULES / "kube-score",
        package="github.com/zegl/kube-score/cmd/kube-score",
        variables={"main.version": KUBE_SCORE},
        minutes=1,
    ),
)

_VERSION: Final = "k8s.io/component-base/version"
_KUBECTL: Final = replace(
    built(
        "kubectl",
        KUBECTL,
        GoPackage(
            module=MODULES / "kubectl",
            package="synapse.tools/kubectl",
            version=f"0.{KUBECTL.partition('.')[2]}",
            variables={
                f"{_VERSION}.gitVersion": f"v{KUBECTL}",
                f"{_VERSION}.gitMajor": KUBECTL.split(".")[0],
                f"{_VERSION}.gitMinor": KUBECTL.split(".")[1],
            },
            minutes=3,
        ),
    ),
    ask="version",
)

ALL: Final = (_PULUMI, _KUBE_SCORE, _KUBECTL)
