"""Rule for visibility: no resource makes pods inside the cluster, where the rules cannot read them."""

from collections.abc import Iterator, Mapping

from policies.reading.objects import Object
from policies.rule import Config, object_rule

OPAQUE: Mapping[tuple[str, str], str] = {
    ("helm.sh", "Release"): "kubernetes.helm.v4.Chart, whose objects are resources of the stack",
    ("helm.cattle.io", "HelmChart"): "kubernetes.helm.v4.Chart, whose objects are resources of the stack",
    ("helm.toolkit.fluxcd.io", "HelmRelease"): "kubernetes.helm.v4.Chart, whose objects are resources of the stack",
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): "kubernetes.kustomize.v2.Directory",
    ("argoproj.io", "Application"): "the objects themselves",
}


def _check(item: Object, _: Config) -> Iterator[str]:
    if remedy := OPAQUE.get((item.group, item.kind)):
        yield f"makes its pods inside the cluster, where no rule can read them; use {remedy}"


pods_are_visible = object_rule(
    "pods-are-visible",
    "No resource makes pods that the rules cannot read.",
    _check,
    reason="Pods that a chart makes inside the cluster are checked by no rule.",
)
