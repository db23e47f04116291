"""Diagnosis of a node: read the facts, probe the GPUs where that is requested, run every check."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from kubernetes import client
from urllib3.exceptions import HTTPError

from infra.errors import SynapseError
from infra.plan.stack import Plan, plan
from infra.settings.model import Settings
from ops.check_results import CheckResult
from ops.cluster.api_errors import error_text
from ops.cluster.connection import connect
from ops.doctor.checks import CHECKS
from ops.doctor.facts import NodeFacts, read
from ops.doctor.probe import ProbeError, probe
from ops.doctor.registry import probe_registries


def node_plan(settings: Settings, stack: str, kubeconfig: Path | None) -> Plan:
    """Return the plan of everything that is deployed; consumers, which only delay phases, are left out.

    The node of a private cluster has the name of its stack.
    """
    node = settings.node
    if node.embedded and kubeconfig is None:
        node = node.model_copy(update={"name": stack})
    return plan(settings.model_copy(update={"consumers": {}, "node": node}))


def read_facts(kubeconfig: Path, settings: Settings) -> NodeFacts:
    """Return the facts. Raises SynapseError where the cluster cannot be read."""
    try:
        return read(kubeconfig, settings)
    except (client.ApiException, HTTPError) as error:
        raise SynapseError(
            f"{kubeconfig}: the cluster cannot be read ({error_text(error)}); see `kubectl get nodes` with it"
        ) from error


def probe_gpus(facts: NodeFacts, kubeconfig: Path, settings: Settings, within_s: float) -> NodeFacts:
    """Return the facts with the GPUs' figures, or with the reason why they could not be read."""
    with connect(kubeconfig, settings.context) as api:
        try:
            return dataclasses.replace(facts, gpus=probe(client.CoreV1Api(api), settings.node, within_s))
        except ProbeError as error:
            return dataclasses.replace(facts, no_gpu_reading=str(error))


def probe_pulls(facts: NodeFacts, kubeconfig: Path, planned: Plan, within_s: float) -> NodeFacts:
    """Return the facts with what the kubelet says about a pull from each registry."""
    with connect(kubeconfig, planned.settings.context) as api:
        messages = probe_registries(client.CoreV1Api(api), planned, within_s)
    return dataclasses.replace(facts, registries=messages)


def run_checks(facts: NodeFacts, plan: Plan) -> Sequence[CheckResult]:
    return [result for check in CHECKS for result in check.results(facts, plan)]
