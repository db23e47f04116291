"""Every pod can be seen by the rules: what a chart makes inside the cluster would pass them all unread."""

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


def _check(found: Object, _: Config) -> Iterator[str]:
    if remedy := OPAQUE.get((found.group, found.kind)):
        yield f"makes its pods inside the cluster, where no rule can read them; use {remedy}"


pods_are_visible = object_rule("pods-are-visible", "No resource makes pods that the rules cannot read.", _check)
