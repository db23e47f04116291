"""Stand-in language host: start of programs and policy packs, and their results for the engine."""

import sys
from pathlib import Path

import pytest
import yaml
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2 as messages

from tests.tools.conftest import RUNTIME, PulumiProject, lock
from tools.offline.plugins.language_python import (
    outcome,
    plugin_command,
    plugin_folder,
    program_command,
    program_environment,
)
from tools.offline.plugins.python_toolchain import toolchain
from tools.offline.plugins.responses import PluginError

PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_shouting(args, report):
    if "!" in args.props.get("create", ""):
        report(f"shouting is not allowed in {args.get_config().get('where', 'here')}", args.urn)

PolicyPack("manners", policies=[
    ResourceValidationPolicy("no-shouting", "Commands are polite.", no_shouting, EnforcementLevel.MANDATORY),
])
"""


def info(root: Path, **options: str) -> messages.ProgramInfo:
    settings = Struct()
    settings.update(options)
    return messages.ProgramInfo(
        root_directory=str(root), program_directory=str(root / "main"), entry_point=".", options=settings
    )


def program(folder: Path, name: str, text: str = "") -> Path:
    """Write a program into a folder of PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o700)
    return folder / name


def test_the_projects_own_environment_is_used(tmp_path: Path) -> None:
    assert str(toolchain(info(tmp_path)).python) == sys.executable
    tools = toolchain(info(tmp_path, virtualenv=".venv"))
    with pytest.raises(PluginError, match=r"The 'virtualenv' option in Pulumi\.yaml is set to \"\.venv\""):
        tools.check()
    python = program(tmp_path / ".venv/bin", "python")
    assert tools.python == python
    tools.check()
    variables = tools.environment({"PATH": "/usr/bin", "PYTHONHOME": "/elsewhere", "HOME": "/"})
    assert variables == {"PATH": f"{python.parent}:/usr/bin", "VIRTUAL_ENV": str(tmp_path / ".venv"), "HOME": "/"}


def test_the_toolchain_uv_needs_uv_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    missing = r"Could not find `uv` executable\.\nInstall uv and make sure it is in your PATH\."
    with pytest.raises(PluginError, match=missing):
        toolchain(info(tmp_path, toolchain="uv"))
    program(tmp_path / "bin", "uv", "echo uv 0.4.25")
    with pytest.raises(PluginError, match=r"uv 0\.4\.25 is less than the minimum required version 0\.4\.26"):
        toolchain(info(tmp_path, toolchain="uv"))
    program(tmp_path / "bin", "uv", "echo 'uv 0.13.8 (x)'")
    tools = toolchain(info(tmp_path, toolchain="uv", virtualenv=".venv"))
    with pytest.raises(PluginError, match=rf"'{tmp_path}/.venv' is not a virtualenv"):
        tools.check()
    assert tools.python == tmp_path / ".venv/bin/python"


def test_uv_is_found_by_its_lock_file_and_has_its_environment_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "uv", "echo uv 1.0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)
    (tmp_path / "uv.lock").touch()
    assert toolchain(info(tmp_path)).virtualenv == tmp_path / ".venv"
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "other")
    assert toolchain(info(tmp_path)).virtualenv == tmp_path / "other"


@pytest.mark.parametrize(
    ("name", "message"),
    [("conda", "unsupported toolchain option: conda"), ("poetry", "needs the official Python language host")],
)
def test_other_toolchains_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        toolchain(info(tmp_path, toolchain=name))


def test_a_program_gets_the_addresses_of_the_engine(tmp_path: Path) -> None:
    request = messages.RunRequest(
        project="p",
        stack="s",
        pwd=str(tmp_path),
        args=["--own", "x"],
        monitor_address="127.0.0.1:1",
        dryRun=True,
        parallel=4,
        organization="o",
        info=info(tmp_path),
        config={"p:a": "1"},
        configSecretKeys=["p:a"],
    )
    command = program_command(request, toolchain(request.info), "127.0.0.1:2")
    assert command[0] == sys.executable
    assert {"--monitor=127.0.0.1:1", "--engine=127.0.0.1:2", "--dry_run=true", "--parallel=4"} <= set(command)
    assert command[-4:] == ["--", str(tmp_path / "main"), "--own", "x"]
    assert program_environment(request) == {
        "PULUMI_CONFIG": '{"p:a": "1"}',
        "PULUMI_CONFIG_SECRET_KEYS": '["p:a"]',
    }


def test_a_policy_pack_is_run_by_the_sdk_and_another_plugin_by_its_folder(tmp_path: Path) -> None:
    request = messages.RunPluginRequest(kind="analyzer", args=["127.0.0.1:2"], info=info(tmp_path))
    request.pwd = "/elsewhere"  # noqa: S105 (a folder)
    folder, tools = str(tmp_path / "main"), toolchain(request.info)
    assert plugin_command(request, tools)[1:] == ["-u", "-m", "pulumi.policy", "127.0.0.1:2", folder]
    assert plugin_folder(request) == folder
    request.kind = "resource"
    assert plugin_command(request, tools)[1:] == ["-u", folder, "127.0.0.1:2"]
    assert plugin_folder(request) == "/elsewhere"


@pytest.mark.parametrize(("status", "bail", "error"), [(0, False, ""), (32, True, ""), (3, False, "exit code: 3")])
def test_every_failure_is_reported_to_the_engine(status: int, *, bail: bool, error: str) -> None:
    response = outcome(status)
    assert response.bail is bail
    assert error in response.error
    assert bool(response.error) == bool(error)


@pytest.mark.engine
def test_a_run_error_shows_its_message_and_the_exit_code(project: PulumiProject) -> None:
    project.program("import pulumi\nraise pulumi.RunError('the budget is 5 GiB short')")
    output = project.pulumi_fails("preview")
    assert "error: the budget is 5 GiB short" in output
    assert "Traceback" not in output
    assert "program exited with non-zero exit code: 1" in output


@pytest.mark.engine
def test_any_other_error_shows_the_programs_traceback(project: PulumiProject) -> None:
    project.program("def broken():\n    return {}['missing']\n\nbroken()\n")
    output = project.pulumi_fails("preview")
    assert "Program failed with an unhandled exception" in output
    assert "KeyError: 'missing'" in output
    assert "language_python_exec" not in output
    assert output.count("Traceback") == 1


@pytest.mark.engine
def test_an_exit_status_of_a_program_is_a_failure(project: PulumiProject) -> None:
    project.program("import sys\nsys.exit(3)\n")
    assert "program exited with non-zero exit code: 3" in project.pulumi_fails("preview")


@pytest.mark.engine
def test_a_program_has_its_configuration_its_folder_and_its_output(project: PulumiProject) -> None:
    (project.folder / "beside.py").write_text("word = 'imported'\n")
    project.program(
        "import os, pulumi, beside\n"
        "print('printed', beside.word, os.path.basename(os.getcwd()))\n"
        "pulumi.log.warn('careful')\n"
        "pulumi.export('size', pulumi.Config().require_int('size'))\n"
        "pulumi.export('where', f'{pulumi.get_project()}/{pulumi.get_stack()}')\n",
        size="4",
    )
    output = project.pulumi("up", "--yes")
    assert "printed imported project" in output
    assert "warning: careful" in output
    assert '"size": 4' in project.pulumi("stack", "output", "--json")
    assert '"where": "trial/test"' in project.pulumi("stack", "output", "--json")


@pytest.mark.engine
def test_a_mandatory_policy_blocks_a_preview(project: PulumiProject, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text(yaml.safe_dump({"runtime": RUNTIME}))
    lock(pack)
    (pack / "__main__.py").write_text(PACK)
    source = "from pulumi_command import local\nlocal.Command('say', create='echo {}')\n"
    project.program(source.format("hello"))
    assert "manners" in project.pulumi("preview", "--policy-pack", str(pack))
    project.program(source.format("hello!"))
    output = project.pulumi_fails("preview", "--policy-pack", str(pack))
    assert "[mandatory]" in output
    assert "shouting is not allowed in here" in output


@pytest.mark.engine
def test_a_module_of_a_pack_comes_before_the_standard_library(project: PulumiProject, tmp_path: Path) -> None:
    """The pack's folder is the working folder, as with the official host: `selectors.py` breaks what it imports."""
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text(yaml.safe_dump({"runtime": RUNTIME}))
    lock(pack)
    (pack / "__main__.py").write_text(PACK)
    (pack / "selectors.py").write_text("raise ImportError('the selectors of the pack')\n")
    project.program("import pulumi\n")
    assert "the selectors of the pack" in project.pulumi_fails("preview", "--policy-pack", str(pack))
