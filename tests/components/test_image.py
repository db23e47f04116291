"""Images that the stack builds: one for each folder, deployed by the digest that the build prints."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from operator import itemgetter
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.rpc import unwrap_rpc_secret

from components.image import BUILD
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.model import ROOT
from stacks import forge
from stacks.rendering import COMMAND, Recorded, record
from tests.conftest import config_of, forge_config, planned, settings_of
from tools.images import __main__ as builder
from tools.images import content, k3s, publish
from tools.images.build import Images

REMOTE = "command:remote:Command"
RUN = """\
import sys
sys.path.insert(0, {folder!r})
from tools.images.__main__ import main
main(["gateway_image", "--registry", "x"])
"""

BUILD_HOST = {
    "synapse:registry": "registry.example/team",
    "synapse:buildHost": {"host": "forge", "hostKey": "ssh-ed25519 AAAA forge", "folder": "builds"},
}
RENDER = """
import json, sys
sys.executable = "/another/python"
from pathlib import Path
import infra
assert Path(infra.__path__[0]).parent == Path.cwd(), infra.__path__
import pulumi
from pulumi.runtime.rpc import unwrap_rpc_secret
from infra.plan.stack import plan
from infra.settings.loader import parse
from stacks import forge
from stacks.rendering import record

def comparable(value):
    return Path(value.path).name if isinstance(value, pulumi.FileAsset) else value

planned = plan(parse(json.load(sys.stdin), "Pulumi.test.yaml", lambda key: False))
print(json.dumps([
    [each.token, each.name, {key: comparable(unwrap_rpc_secret(value)) for key, value in each.inputs.items()}]
    for each in record(lambda: forge.deploy(planned, {})) if each.token.startswith("command:")
]))
"""


def recorded(planned: Plan) -> list[Recorded]:
    return record(lambda: forge.deploy(planned, {}))


@pytest.fixture(scope="module")
def local() -> list[Recorded]:
    return recorded(plan(load("local")))


def commands(resources: list[Recorded]) -> dict[str, dict[str, Any]]:
    return {each.name: each.inputs for each in resources if each.token == COMMAND}


def images(resources: list[Recorded]) -> dict[str, str]:
    """Return the image of each Deployment."""
    return {
        each.inputs["metadata"]["name"]: each.inputs["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in resources
        if each.inputs.get("kind") == "Deployment"
    }


def test_each_folder_is_built_once_for_all_its_services(local: list[Recorded]) -> None:
    built = Counter(image.partition("@")[0] for image in images(local).values() if image.startswith("localhost/"))
    assert built == {"localhost/gateway-image": 1, "localhost/engines-image": 5, "localhost/llama-image": 2}
    assert commands(local).keys() == {"gateway-image", "engines-image", "llama-image", "models-image"}


def test_only_a_change_of_the_folder_builds_again(local: list[Recorded]) -> None:
    built = commands(local)["gateway-image"]
    assert built["triggers"] == [content.digest(ROOT / "gateway_image")]
    assert "delete" not in built
    assert "environment" not in built


def test_a_local_build_is_imported_into_the_cluster_of_the_stack(local: list[Recorded]) -> None:
    words = shlex.split(commands(local)["gateway-image"]["create"])
    assert words[-5:] == ["-m", "tools.images", "gateway_image", "--cluster", "rendered"]  # the name of the stack


@pytest.fixture(scope="module")
def other_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other") / "checkout"
    sources = ("engines_image", "gateway_image", "llama_image", "models_image")
    for name in ("components", "infra", "stacks", "tools", *sources):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.local.yaml", folder)
    return folder


@pytest.mark.parametrize("extra", [{}, BUILD_HOST], ids=["here", "build host"])
def test_two_checkouts_and_interpreters_give_the_same_resources(
    other_checkout: Path, extra: dict[str, Any], tmp_path: Path
) -> None:
    config = config_of("local") | extra
    environment = os.environ | {"PYTHONPATH": str(other_checkout), "SYNAPSE_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", RENDER], input=json.dumps(config), cwd=other_checkout, env=environment, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    other = sorted(json.loads(done.stdout), key=itemgetter(0, 1))
    assert other == builds(recorded(plan(settings_of(config))))


def builds(resources: list[Recorded]) -> list[list[Any]]:
    """Return the inputs of all builds by name; an asset by its file name, since the engine compares its content."""
    inputs = [
        [each.token, each.name, {key: _comparable(unwrap_rpc_secret(value)) for key, value in each.inputs.items()}]
        for each in resources
        if each.token.startswith("command:")
    ]
    return sorted(inputs, key=itemgetter(0, 1))  # the order of registration is not determined


def _comparable(value: Any) -> Any:
    return Path(value.path).name if isinstance(value, pulumi.FileAsset) else value


@pytest.mark.parametrize("environment", [{}, {"SYNAPSE_PYTHON": sys.executable}], ids=["default", "variable"])
def test_the_build_command_runs_in_the_folder_of_the_program(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the engine starts it; a folder without a Dockerfile ends the builder before it builds anything."""
    for name in ("infra", "gateway_image"):
        (tmp_path / "checkout" / name).mkdir(parents=True)
    (tmp_path / "checkout/tools").symlink_to(ROOT / "tools")
    command = BUILD + shlex.join(["gateway_image", "--registry", "registry.example/team"])
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path / "checkout/infra",
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "SYNAPSE_CACHE": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "synapse: gateway_image: has no Dockerfile; accepted: a folder that an image is built from\n"


@pytest.mark.parametrize(
    ("words", "destination"),
    [
        (["--registry", "registry.example/x/"], "registry registry.example/x"),
        (["--cluster", "forge"], "cluster forge"),
        (["--node", "forge"], "node forge, None"),
        (["--node", "forge", "--context", "mine"], "node forge, mine"),
        (["--k3s"], "k3s"),
    ],
)
def test_the_builder_publishes_to_its_one_destination(
    words: list[str], destination: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Images, "push", lambda _, folder, registry: f"{folder}: registry {registry}")
    monkeypatch.setattr(publish, "to_cluster", lambda _, folder, name: f"{folder}: cluster {name}")
    monkeypatch.setattr(publish, "to_node", lambda _, folder, name, context: f"{folder}: node {name}, {context}")
    monkeypatch.setattr(k3s, "publish", lambda _, folder: f"{folder}: k3s")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        builder.main(["gateway_image", *words])
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert capsys.readouterr().out == f"gateway_image: {destination}\n"


@pytest.mark.parametrize("words", [[], ["--k3s", "--cluster", "forge"]])
def test_the_builder_needs_one_destination(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        builder.main(["gateway_image", *words])
    assert "--k3s" in capsys.readouterr().err


def test_a_component_does_not_call_the_command_line_of_synapse() -> None:
    assert "cli" not in shlex.split(BUILD)


def test_a_local_build_is_pushed_to_the_registry_of_the_settings() -> None:
    config = config_of("local")
    config["synapse:registry"] = "registry.example/team"
    words = shlex.split(commands(recorded(plan(settings_of(config))))["engines-image"]["create"])
    assert words[-2:] == ["--registry", "registry.example/team"]


@pytest.fixture(scope="module")
def elsewhere() -> list[Recorded]:
    return recorded(plan(settings_of(config_of("local") | BUILD_HOST)))


def of(resources: list[Recorded], token: str) -> dict[str, dict[str, Any]]:
    return {each.name: each.inputs for each in resources if each.token == token}


def test_a_build_host_is_identified_by_its_host_key(elsewhere: list[Recorded]) -> None:
    sent, built = of(elsewhere, "command:remote:CopyToRemote"), of(elsewhere, REMOTE)
    assert sent.keys() == {f"{name}-image-source" for name in ("gateway", "engines", "llama", "models")}
    for inputs in (*sent.values(), *built.values()):
        connection = unwrap_rpc_secret(inputs["connection"])
        assert (connection["host"], connection["hostKey"]) == ("forge", "ssh-ed25519 AAAA")
        assert "privateKey" not in connection
    assert commands(elsewhere) == {}


def test_a_build_host_receives_the_folder_and_the_builder(elsewhere: list[Recorded]) -> None:
    inputs = of(elsewhere, "command:remote:CopyToRemote")["gateway-image-source"]
    with tarfile.open(inputs["source"].path) as archive:
        names = archive.getnames()
    assert inputs["remotePath"] == f"builds/{Path(inputs['source'].path).name}"
    files = [f"gateway_image/{file}" for file in content.files(ROOT / "gateway_image")]
    assert [name for name in names if name.startswith("gateway_image/")] == files
    assert "tools/images/__main__.py" in names
    assert {name.split("/")[0] for name in names} == {"gateway_image", "tools"}


def test_the_builder_needs_only_the_standard_library(elsewhere: list[Recorded], tmp_path: Path) -> None:
    inputs = of(elsewhere, "command:remote:CopyToRemote")["gateway-image-source"]
    subprocess.run(["/usr/bin/tar", "-xf", inputs["source"].path, "-C", tmp_path, "tools"], check=True)
    (tmp_path / "gateway_image").mkdir()
    command = [sys.executable, "-I", "-S", "-c", RUN.format(folder=str(tmp_path))]
    environment = os.environ | {"SYNAPSE_CACHE": str(tmp_path / "cache")}  # without other builds
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "synapse: gateway_image: has no Dockerfile; accepted: a folder that an image is built from\n"


def test_the_key_of_the_stack_is_used_for_the_connection() -> None:
    config = config_of("local") | {
        "synapse:registry": "registry.example/team",
        "synapse:buildHost": {"host": "forge", "hostKey": "ssh-ed25519 AAAA"},
        "synapse:buildKey": {"secure": "sealed"},
    }
    planned = plan(settings_of(config))
    resources = record(lambda: forge.deploy(planned, {"buildKey": pulumi.Output.secret("a private key")}))
    for inputs in of(resources, REMOTE).values():
        assert unwrap_rpc_secret(inputs["connection"])["privateKey"] == "a private key"


def test_pods_run_the_image_that_the_build_printed(local: list[Recorded]) -> None:
    assert images(local)["synapse-gateway"].startswith("localhost/gateway-image@sha256:")


def test_without_a_registry_a_build_is_imported_into_the_node() -> None:
    words = {name: shlex.split(inputs["create"])[-3:] for name, inputs in commands(recorded(planned())).items()}
    assert words == {
        "gateway-image": ["gateway_image", "--node", "forge"],
        "engines-image": ["engines_image", "--node", "forge"],
    }
    (gateway, _) = commands(recorded(planned("context", "my-forge"))).values()
    assert shlex.split(gateway["create"])[-4:] == ["--node", "forge", "--context", "my-forge"]


def test_a_build_host_without_a_registry_is_the_node() -> None:
    section = {"host": "forge.example", "hostKey": "ssh-ed25519 AAAA"}
    inputs = of(recorded(planned("buildHost", section)), REMOTE)["gateway-image"]
    assert inputs["create"].splitlines()[-1] == "python3 -m tools.images gateway_image --k3s"
    assert inputs["triggers"][1] == "forge.example"


def test_a_stack_without_builds_runs_no_command() -> None:
    image = f"registry.example/any@sha256:{64 * 'a'}"
    config = forge_config()
    for service in ("gateway", "kokoro", "piper", "speaches"):
        config["synapse:services"][service]["image"] = image
    assert commands(recorded(plan(settings_of(config)))) == {}
