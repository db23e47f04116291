"""Commands that need neither an engine nor a cluster, as a person runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import cli
from infra.settings.model import ROOT
from tests.conftest import Config, changed, forge_config


def synapse(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [Path(sys.executable).with_name("synapse"), *arguments]
    environment = os.environ | {"SYNAPSE_STATE": str(folder / "state"), "COLUMNS": "160"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def project(folder: Path, config: Config) -> Path:
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (folder / "Pulumi.mine.yaml").write_text(yaml.safe_dump({"config": config}, sort_keys=False))
    return folder


def test_plan_prints_the_ledger(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "plan", "--stack", "mine")
    assert done.returncode == 0
    for part in ("ollama", "vllm-inference", "synapse-gateway", "131.31Gi", "156.8Gi", "26.91Gi"):
        assert part in done.stdout


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("services.vllm.memory.limit", "120Gi", "46.51Gi over"),
        ("services.two", {"kind": "vllm"}, "two: claims 1 nvidia.com/gpu"),
        ("services.vllm.sequences", 9, "fits on no GPU"),
    ],
)
def test_plan_refuses_claims_that_do_not_fit(tmp_path: Path, path: str, value: object, message: str) -> None:
    done = synapse(project(tmp_path, changed(path, value)), "plan", "--stack", "mine")
    assert done.returncode == 1
    assert message in done.stderr
    assert "<- does not fit" in done.stdout


def test_plan_as_json_is_one_document(tmp_path: Path) -> None:
    done = synapse(
        project(tmp_path, changed("services.vllm.memory.limit", "120Gi")), "plan", "--stack", "mine", "--json"
    )
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["fits"] is False
    assert [finding["name"] for finding in document["findings"]] == ["vllm-inference"]
    assert document["budget"]["memory"] == 196 * 2**30 * 8 // 10


def test_routes_are_printed(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "routes", "--stack", "mine")
    assert done.returncode == 0
    assert "qwen3-8b" in done.stdout
    assert "vllm-inference" in done.stdout


def test_manifests_are_written(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "manifests", "--stack", "mine", "out")
    assert done.returncode == 0
    written = [yaml.safe_load(path.read_text()) for path in sorted((tmp_path / "out").iterdir())]
    assert [each["kind"] for each in written].count("Deployment") == 13
    assert written[0]["kind"] == "Namespace"
    text = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    for source, name in (("gateway_image", "gateway-image"), ("engines_image", "engines-image")):
        (line,) = [line for line in done.stderr.splitlines() if f"the image of {source}/" in line]
        reference = line.partition(" ")[0]
        assert reference.startswith(f"localhost/{name}@sha256:")
        assert reference in text


def test_manifests_of_a_plan_that_does_not_fit_are_not_written(tmp_path: Path) -> None:
    config = changed("services.vllm.memory.limit", "120Gi")
    done = synapse(project(tmp_path, config), "manifests", "--stack", "mine", "out")
    assert done.returncode == 1
    assert "synapse: the claims do not fit the node" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["plan", "--stack", "nobody"],
            "synapse: Pulumi.nobody.yaml: no such stack file; stacks in the same folder: mine",
        ),
        (
            ["status", "--stack", "mine"],
            "synapse: the stack mine does not run here; running: none. Start it with `make up STACK=mine`",
        ),
        (["down", "--stack", "mine"], "synapse: the stack mine does not run here"),
        (["up", "--stack", "mine", "--phase", "9"], "less than or equal to 6"),
        (["up", "--stack", "mine", "--kubeconfig", "nowhere"], "nowhere"),
        (["bogus"], "bogus"),
    ],
)
def test_bad_input_is_one_message_and_a_failure(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = synapse(project(tmp_path, forge_config()), *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_up_refuses_before_it_starts_anything(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, changed("services.vllm.memory.limit", "120Gi")), "up", "--stack", "mine")
    assert done.returncode == 1
    assert "vllm-inference" in done.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cluster", "down", "--name", "nobody"], "there is no cluster nobody; nothing was ended"),
        (["cluster", "down", "--name", "nobody", "--delete"], "there is no cluster nobody; nothing was ended"),
        (["twin", "down", "--name", "nobody"], "there is no twin nobody"),
    ],
)
def test_a_command_with_nothing_to_do_says_so(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = synapse(tmp_path, *arguments)
    assert (done.returncode, done.stderr) == (0, f"synapse: {message}\n")


def test_an_interrupt_is_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even while the modules are imported, which takes the first second."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "unwind_on_sigterm", lambda: None)  # it would change the test process too
    monkeypatch.setattr(cli, "application", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "synapse: interrupted\n"


def test_nothing_slow_is_imported_before_interrupts_are_caught() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, cli; print({'typer', 'rich', 'kubernetes'} & set(sys.modules))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"


def test_an_image_has_one_destination_at_most(tmp_path: Path) -> None:
    done = synapse(tmp_path, "image", "build", "gateway_image", "--cluster", "one", "--node", "other")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "synapse: gateway_image: got --cluster, --node; accepted: one of --cluster, --registry, --node, --archive\n"
    )
