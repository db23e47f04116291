"""The terminal feed: replicas of the gateway share it over the bus, with a password where the stack has one."""

import hashlib
from typing import Any

import pulumi
import pytest
from pulumi.runtime.rpc import unwrap_rpc_secret

from components.feed_bus import account
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.model import Settings
from stacks import forge
from stacks.rendering import SEALED, manifests, record
from tests.conftest import Config, changed, forge_config, settings_of

URL = "redis://synapse-terminal-feed-redis.llm-infra.svc.cluster.local:6379/0"
Objects = dict[tuple[str, str], dict[str, Any]]


def objects(planned: Plan) -> Objects:
    return {(found["kind"], found["metadata"]["name"]): found for found in manifests(planned)}


def container(found: Objects, name: str) -> dict[str, Any]:
    (only,) = found["Deployment", name]["spec"]["template"]["spec"]["containers"]
    return dict(only)


def environment(found: Objects, name: str = "synapse-gateway") -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(found, name)["env"]}


@pytest.fixture(scope="module")
def shipped() -> Objects:
    return objects(plan(load("forge-llamacpp")))


def with_password() -> Settings:
    settings = load("forge-llamacpp")
    return settings.model_copy(update={"secrets": frozenset({"feedPassword"})})


def test_the_shipped_stack_feeds_over_its_bus(shipped: Objects) -> None:
    found = environment(shipped)
    assert (found["SYNAPSE_TERMINAL_FEED_MODE"], found["SYNAPSE_TERMINAL_FEED_BUS_MODE"]) == ("live", "redis")
    assert found["SYNAPSE_TERMINAL_FEED_REDIS_URL"] == URL


def test_each_replica_has_a_name_of_its_own(shipped: Objects) -> None:
    assert environment(shipped)["SYNAPSE_INSTANCE_ID"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_without_a_bus_there_is_no_feed() -> None:
    names = environment(objects(plan(settings_of(forge_config()))))
    assert not any(name.startswith("SYNAPSE_TERMINAL_FEED") for name in names)


def test_without_a_password_redis_has_none(shipped: Objects) -> None:
    assert container(shipped, "synapse-terminal-feed-redis")["args"][4:] == [*account("nopass")]
    assert not [name for kind, name in shipped if kind == "Secret" and "feed" in name]


def test_a_password_reaches_both_ends_through_secrets() -> None:
    found = objects(plan(with_password()))
    bus, name = container(found, "synapse-terminal-feed-redis"), "synapse-terminal-feed-redis-password"
    assert bus["args"][4:] == [*account("$(FEED_PASSWORD_RULE)")]
    secret = {"secretKeyRef": {"name": name, "key": "rule"}}
    assert environment(found, "synapse-terminal-feed-redis")["FEED_PASSWORD_RULE"] == secret
    url = {"secretKeyRef": {"name": "synapse-gateway-feed-url", "key": "url"}}
    assert environment(found)["SYNAPSE_TERMINAL_FEED_REDIS_URL"] == url
    assert found["Secret", name]["stringData"] == {"rule": SEALED}


def test_a_password_is_quoted_in_the_address() -> None:
    planned = plan(with_password())
    recorded = record(lambda: forge.deploy(planned, {"feedPassword": pulumi.Output.secret("p@ss/word")}))
    (secret,) = [found.inputs for found in recorded if found.name == "gateway-feed-url"]
    address = URL.removeprefix("redis://")
    assert unwrap_rpc_secret(secret["stringData"]) == {"url": f"redis://:p%40ss%2Fword@{address}"}


def test_the_bus_knows_the_hash_of_the_password_alone() -> None:
    recorded = record(lambda: forge.deploy(plan(with_password()), {"feedPassword": pulumi.Output.secret("canary")}))
    (secret,) = [found.inputs for found in recorded if found.name == "feed-bus-password"]
    assert unwrap_rpc_secret(secret["stringData"]) == {"rule": f"#{hashlib.sha256(b'canary').hexdigest()}"}


def test_a_password_without_a_bus_goes_nowhere() -> None:
    settings = settings_of(forge_config()).model_copy(update={"secrets": frozenset({"feedPassword"})})
    found = objects(plan(settings))
    assert "SYNAPSE_TERMINAL_FEED_REDIS_URL" not in environment(found)
    assert ("Secret", "synapse-gateway-feed-url") not in found


def test_the_bus_is_open_to_the_gateway_and_not_to_everybody() -> None:
    (bus,) = [each for each in ingress_rules(plan(load("forge-llamacpp")).services) if each.service.name == "feed-bus"]
    assert "gateway" in {caller.name for caller in bus.callers}
    assert not {"llama-router", "whisper"} & {caller.name for caller in bus.callers}
    assert not bus.is_open


def test_a_bus_of_another_name_is_found() -> None:
    config: Config = changed("services.lines", {"kind": "feed-bus"})
    found = environment(objects(plan(settings_of(config))))
    assert found["SYNAPSE_TERMINAL_FEED_REDIS_URL"] == "redis://lines.llm-infra.svc.cluster.local:6379/0"
