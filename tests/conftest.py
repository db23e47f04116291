"""Helpers of all tests: stack files with changed values, their plans and objects."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from infra.plan.stack import Plan, plan
from infra.settings.loader import check_secrets, parse
from infra.settings.model import ROOT, Settings
from stacks.rendering import manifests
from tests.failures import print_failures
from tests.parallel import GroupScheduling, long_first, refuse_equal_ids
from tools.offline.plugins.kubernetes.pace import PACE

Config = dict[str, Any]


def pytest_sessionstart(session: pytest.Session) -> None:
    print_failures(session)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    refuse_equal_ids(items)
    if hasattr(config, "workerinput"):  # in one of several processes
        long_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def scratch() -> Iterator[None]:
    """Give commands a temporary folder that is removed after the tests: a killed command leaves files behind."""
    tempfile.gettempdir()  # this process keeps the default folder, which it cleans up itself
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="synapse-tests-") as folder:
        patch.setenv("TMPDIR", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def pace() -> Iterator[None]:
    """Shorten the pauses in which a stand-in plugin only waits, as its official one does: endpoints that settle."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PACE, "20")
        yield


def config_of(stack: str) -> Config:
    """Return the `config:` of a shipped stack file; the caller may change it."""
    content: Config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    return content


def forge_config() -> Config:
    return config_of("forge")


def changed(path: str, value: object) -> Config:
    """Return the forge's config with one value changed: `changed("services.vllm.contextTokens", 4096)`."""
    config = forge_config()
    first, *rest = path.split(".")
    holder: Any = config
    for key in [f"synapse:{first}", *rest][:-1]:
        holder = holder.setdefault(key, {})
    holder[rest[-1] if rest else f"synapse:{first}"] = value
    return config


def settings_of(config: Config) -> Settings:
    source = "Pulumi.test.yaml"
    settings = parse(config, source, lambda key: isinstance(config[key], dict) and "secure" in config[key])
    return check_secrets(settings, source)


def planned(path: str | None = None, value: object = None) -> Plan:
    """Return the forge's plan, with one value changed where given."""
    return plan(settings_of(changed(path, value) if path else forge_config()))


@pytest.fixture(scope="session")
def forge_objects() -> list[dict[str, Any]]:
    return manifests(planned())


@pytest.fixture(scope="session")
def forge_object(forge_objects: list[dict[str, Any]]) -> Callable[[str, str], dict[str, Any]]:
    """Return a function that finds an object of the forge by kind and name."""

    def find(kind: str, name: str) -> dict[str, Any]:
        (match,) = [
            content for content in forge_objects if content["kind"] == kind and content["metadata"]["name"] == name
        ]
        return match

    return find
