"""Stand-in for Pulumi's command plugin over real SSH: only the host with the pinned key."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import reserved_port
from tests.tools import sshd
from tests.tools.plugin_calls import LogLines, PluginRefusedError, PluginResource, kinds
from tools.offline.plugins.command import COPY, CommandProvider
from tools.offline.plugins.values import SIGNATURE, UNKNOWN, Secret

ASSET = "c44067f5952c0a294b673a41bacd8c17"
"""Mark of an asset in Pulumi's protocol."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.Sshd]:
    with sshd.running(tmp_path_factory.mktemp("sshd"), {"FROM_HOST": "yes"}) as running:
        yield running


@pytest.fixture
def lines() -> LogLines:
    return LogLines()


@pytest.fixture
def command(lines: LogLines) -> PluginResource:
    return PluginResource(CommandProvider(lines), "command:remote:Command")


@pytest.fixture
def copy(lines: LogLines) -> PluginResource:
    return PluginResource(CommandProvider(lines), COPY)


def asset(file: Path) -> dict[str, Any]:
    return {SIGNATURE: ASSET, "path": str(file), "hash": str(hash(file.read_bytes()))}


def test_a_command_runs_on_the_host(command: PluginResource, server: sshd.Sshd, lines: LogLines) -> None:
    given = {"connection": server.connection, "create": "echo $FROM_HOST; cat; echo oops >&2", "stdin": "in\n"}
    outputs = command.create(given)
    assert (outputs["stdout"], outputs["stderr"]) == ("yes\nin", "oops")
    assert sorted(lines.lines) == ["in", "oops", "yes"]
    assert "Accepted publickey" in server.log


def test_lines_are_shown_as_they_arrive(
    command: PluginResource, server: sshd.Sshd, tmp_path: Path, lines: LogLines
) -> None:
    """The command ends once its first line was shown."""
    seen = tmp_path / "seen"
    send = lines._send

    def note(urn: str, message: str, *, ephemeral: bool, **_: object) -> None:
        send(urn, message, ephemeral=ephemeral)
        seen.touch()

    lines._send = note  # type: ignore[method-assign]
    wait = f"n=0; while test ! -e {seen} -a $n -lt 200; do sleep 0.05; n=$((n+1)); done; test -e {seen}"
    command.create({"connection": server.connection, "create": f"echo begun >&2; {wait}", "logging": "stderr"})
    assert lines.lines == ["begun"]


def test_a_remote_failure_shows_the_command_and_its_output(command: PluginResource, server: sshd.Sshd) -> None:
    with pytest.raises(PluginRefusedError, match="exit status 3: running 'echo no >&2; exit 3':\nno"):
        command.create({"connection": server.connection, "create": "echo no >&2; exit 3"})


def test_another_host_is_sent_nothing(
    command: PluginResource, copy: PluginResource, server: sshd.Sshd, tmp_path: Path
) -> None:
    other = sshd.public(sshd.make_key(tmp_path / "other"))
    connection = server.connection | {"hostKey": other}
    (tmp_path / "file").write_text("canary")
    before = server.log.count("Accepted"), server.log.count("publickey")
    with pytest.raises(
        PluginRefusedError, match=r"its host key is not the pinned one, and nothing was sent .* ssh-keyscan -p"
    ):
        command.create({"connection": connection, "create": f"touch {tmp_path}/made"})
    with pytest.raises(PluginRefusedError, match="its host key is not the pinned one"):
        copy.create({"connection": connection, "source": asset(tmp_path / "file"), "remotePath": f"{tmp_path}/made"})
    assert not (tmp_path / "made").exists()
    assert (server.log.count("Accepted"), server.log.count("publickey")) == before


def test_a_host_without_a_pinned_key_is_not_contacted(command: PluginResource, server: sshd.Sshd) -> None:
    connection = {key: value for key, value in server.connection.items() if key != "hostKey"}
    before = server.connections
    with pytest.raises(
        PluginRefusedError, match="has no hostKey; accepted: its public key, as `ssh-keyscan` prints it"
    ):
        command.create({"connection": connection, "create": "true"})
    assert server.connections == before


def test_a_pinned_key_of_another_kind_is_refused(command: PluginResource, server: sshd.Sshd) -> None:
    connection = server.connection | {"hostKey": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ=="}
    with pytest.raises(PluginRefusedError, match="cannot be reached by SSH: Unable to negotiate"):
        command.create({"connection": connection, "create": "true"})


def test_an_agent_has_the_key(
    command: PluginResource, server: sshd.Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {key: value for key, value in server.connection.items() if key != "privateKey"}
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(PluginRefusedError, match="no key to log in with; accepted: an SSH agent in SSH_AUTH_SOCK"):
        command.create({"connection": connection, "create": "true"})
    with sshd.agent(tmp_path, server.folder / "client") as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        assert command.create({"connection": connection, "create": "echo in"})["stdout"] == "in"


def test_a_refused_login_key_has_a_message(command: PluginResource, server: sshd.Sshd, tmp_path: Path) -> None:
    connection = server.connection | {"privateKey": sshd.make_key(tmp_path / "stranger").read_text()}
    with pytest.raises(PluginRefusedError, match=r"cannot be reached by SSH: .*Permission denied \(publickey\)"):
        command.create({"connection": connection, "create": "true"})


def test_a_refused_connection_has_a_message(command: PluginResource, server: sshd.Sshd) -> None:
    with (
        reserved_port() as port,
        pytest.raises(PluginRefusedError, match=r"cannot be reached by SSH: .*Connection refused"),
    ):
        command.create({"connection": server.connection | {"port": port}, "create": "true"})


def test_the_key_is_secret_and_the_output_is_not(command: PluginResource, server: sshd.Sshd) -> None:
    connection = server.connection | {"privateKey": Secret(server.client_key)}
    outputs = command.create({"connection": connection, "create": "echo name@sha256"})
    assert outputs["stdout"] == "name@sha256"
    assert outputs["connection"]["privateKey"] == Secret(server.client_key)
    assert command.create({"connection": connection, "create": "cat", "stdin": Secret("x")})["stdout"] == Secret("x")


def test_a_file_is_copied_and_again_when_it_changes(copy: PluginResource, server: sshd.Sshd, tmp_path: Path) -> None:
    file, target = tmp_path / "file", tmp_path / "it's there" / "deep" / "file"
    file.write_bytes(bytes(range(256)) * 4096)
    given = {"connection": server.connection, "source": asset(file), "remotePath": str(target)}
    assert "stdout" not in copy.preview_create(given)
    assert not target.exists()
    copy.create(given)
    assert target.read_bytes() == file.read_bytes()
    file.write_bytes(b"other")
    assert kinds(copy.diff(given | {"source": asset(file)})) == {"source.hash": "UPDATE"}
    copy.update(given | {"source": asset(file)})
    assert target.read_bytes() == b"other"
    copy.delete()
    assert target.exists()


def test_nothing_runs_on_the_host_in_a_preview(command: PluginResource, server: sshd.Sshd) -> None:
    before = server.connections
    outputs = command.preview_create({"connection": server.connection, "create": "echo"})
    assert outputs["stdout"] is UNKNOWN
    assert server.connections == before


@pytest.mark.parametrize(
    ("kind", "inputs", "name"),
    [
        ("command:remote:Command", {"create": "true", "environment": {"A": "b"}}, "environment"),
        ("command:remote:CopyFile", {}, "command:remote:CopyFile"),
    ],
)
def test_unsupported_inputs_name_the_official_plugin(
    lines: LogLines, kind: str, inputs: dict[str, Any], name: str
) -> None:
    with pytest.raises(PluginRefusedError, match=f"{name} needs the official Pulumi Command plugin"):
        PluginResource(CommandProvider(lines), kind).check(inputs)


@pytest.mark.parametrize("more", [{"password": "x"}, {"proxy": {"host": "x"}}, {"privateKeyPassword": "x"}])
def test_unsupported_logins_name_the_official_plugin(
    command: PluginResource, server: sshd.Sshd, more: dict[str, Any]
) -> None:
    with pytest.raises(PluginRefusedError, match="needs the official Pulumi Command plugin"):
        command.create({"connection": server.connection | more, "create": "true"})
