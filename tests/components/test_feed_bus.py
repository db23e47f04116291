"""Bus of the terminal feed: replicas of the gateway share events, with a password where the stack has one."""

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
    return {(item["kind"], item["metadata"]["name"]): item for item in manifests(planned)}


def container(rendered: Objects, name: str) -> dict[str, Any]:
    (only,) = rendered["Deployment", name]["spec"]["template"]["spec"]["containers"]
    return dict(only)


def environment(rendered: Objects, name: str = "synapse-gateway") -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(rendered, name)["env"]}


@pytest.fixture(scope="module")
def shipped() -> Objects:
    return objects(plan(load("forge-llamacpp")))


def with_password() -> Settings:
    settings = load("forge-llamacpp")
    return settings.model_copy(update={"secrets": frozenset({"feedPassword"})})


def test_the_shipped_stack_uses_its_bus(shipped: Objects) -> None:
    rendered = environment(shipped)
    assert (rendered["SYNAPSE_TERMINAL_FEED_MODE"], rendered["SYNAPSE_TERMINAL_FEED_BUS_MODE"]) == ("live", "redis")
    assert rendered["SYNAPSE_TERMINAL_FEED_REDIS_URL"] == URL


def test_each_replica_has_a_name_of_its_own(shipped: Objects) -> None:
    assert environment(shipped)["SYNAPSE_INSTANCE_ID"] == {
        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}
    }


def test_without_a_bus_there_is_no_feed() -> None:
    names = environment(objects(plan(settings_of(forge_config()))))
    assert not any(name.startswith("SYNAPSE_TERMINAL_FEED") for name in names)


def test_without_a_password_redis_has_none(shipped: Objects) -> None:
    assert container(shipped, "synapse-terminal-feed-redis")["args"][4:] == [*account("nopass")]
    assert not [name for kind, name in shipped if kind == "Secret" and "feed" in name]


def test_a_password_reaches_both_ends_through_secrets() -> None:
    rendered = objects(plan(with_password()))
    bus, name = container(rendered, "synapse-terminal-feed-redis"), "synapse-terminal-feed-redis-password"
    assert bus["args"][4:] == [*account("$(FEED_PASSWORD_RULE)")]
    secret = {"secretKeyRef": {"name": name, "key": "rule"}}
    assert environment(rendered, "synapse-terminal-feed-redis")["FEED_PASSWORD_RULE"] == secret
    url = {"secretKeyRef": {"name": "synapse-gateway-feed-url", "key": "url"}}
    assert environment(rendered)["SYNAPSE_TERMINAL_FEED_REDIS_URL"] == url
    assert rendered["Secret", name]["stringData"] == {"rule": SEALED}


def test_a_password_is_quoted_in_the_address() -> None:
    planned = plan(with_password())
    recorded = record(lambda: forge.deploy(planned, {"feedPassword": pulumi.Output.secret("p@ss/word")}))
    (secret,) = [each.inputs for each in recorded if each.name == "gateway-feed-url"]
    address = URL.removeprefix("redis://")
    assert unwrap_rpc_secret(secret["stringData"]) == {"url": f"redis://:p%40ss%2Fword@{address}"}


def test_the_bus_receives_only_the_hash_of_the_password() -> None:
    recorded = record(lambda: forge.deploy(plan(with_password()), {"feedPassword": pulumi.Output.secret("canary")}))
    (secret,) = [each.inputs for each in recorded if each.name == "feed-bus-password"]
    assert unwrap_rpc_secret(secret["stringData"]) == {"rule": f"#{hashlib.sha256(b'canary').hexdigest()}"}


def test_a_password_without_a_bus_is_not_used() -> None:
    settings = settings_of(forge_config()).model_copy(update={"secrets": frozenset({"feedPassword"})})
    rendered = objects(plan(settings))
    assert "SYNAPSE_TERMINAL_FEED_REDIS_URL" not in environment(rendered)
    assert ("Secret", "synapse-gateway-feed-url") not in rendered


def test_only_the_gateway_may_call_the_bus() -> None:
    (bus,) = [each for each in ingress_rules(plan(load("forge-llamacpp")).services) if each.service.name == "feed-bus"]
    assert "gateway" in {caller.name for caller in bus.callers}
    assert not {"llama-router", "whisper"} & {caller.name for caller in bus.callers}
    assert not bus.is_open


def test_a_bus_of_another_name_is_objects() -> None:
    config: Config = changed("services.lines", {"kind": "feed-bus"})
    rendered = environment(objects(plan(settings_of(config))))
    assert rendered["SYNAPSE_TERMINAL_FEED_REDIS_URL"] == "redis://lines.llm-infra.svc.cluster.local:6379/0"
