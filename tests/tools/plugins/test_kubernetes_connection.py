"""Forms of a kubeconfig: addresses, certificates, tokens and login programs."""

import base64
import os
import subprocess
import sys
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from tests.tools.tls import Authority, server
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.connection import connect
from tools.offline.plugins.kubernetes.errors import ClusterUnreachableError

SERVER = "https://192.0.2.1:6443"


def kubeconfig(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "here", "user": "me"}},
            {"name": "two", "context": {"cluster": "there", "user": "me"}},
        ],
        "clusters": [
            {"name": "here", "cluster": {"server": SERVER, **(cluster or {})}},
            {"name": "there", "cluster": {"server": "https://192.0.2.2"}},
        ],
        "users": [{"name": "me", "user": user or {}}],
    }


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_current_context_is_used_unless_another_is_named() -> None:
    content = yaml.safe_dump(kubeconfig(user={"token": "secret"}))
    assert connect(content, None).address == SERVER
    assert connect(content, "two").address == "https://192.0.2.2"
    assert connect(content, None).authorization() == "Bearer secret"


def status(content: dict[str, Any]) -> int:
    """Return the status of a request with the kubeconfig's credentials."""
    connection = connect(yaml.safe_dump(content), None)
    with connection.pool as pool:
        code: int = pool.request("GET", connection.address, retries=False).status
    return code


def test_certificates_in_the_kubeconfig_are_used_and_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    authority = Authority()
    me = authority.issue("me")
    user = {"client-certificate-data": encoded(me.certificate), "client-key-data": encoded(me.key)}
    with server(authority, tmp_path) as address:
        trusted = {"server": address, "certificate-authority-data": encoded(authority.certificate)}
        assert status(kubeconfig(trusted, user)) == HTTPStatus.OK
        with pytest.raises(urllib3.exceptions.HTTPError):  # without a client certificate
            status(kubeconfig(trusted))
    assert list(scratch.iterdir()) == []


def test_paths_are_relative_to_the_folder_of_the_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority()
    me = authority.issue("me")
    for name, content in {"ca.crt": authority.certificate, "me.crt": me.certificate, "me.key": me.key}.items():
        (tmp_path / name).write_text(content)
    with server(authority, tmp_path) as address:
        cluster = {"server": address, "certificate-authority": "ca.crt"}
        written = kubeconfig(cluster, {"client-certificate": "me.crt", "client-key": str(tmp_path / "me.key")})
        file = tmp_path / "config"
        file.write_text(yaml.safe_dump(written))
        monkeypatch.setenv("KUBECONFIG", str(file))
        for given in (str(file), None):
            with connect(given, None).pool as pool:
                assert pool.request("GET", address, retries=False).status == HTTPStatus.OK


def test_a_server_is_verified_unless_the_kubeconfig_disables_it(tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority()
    me = authority.issue("me")
    user = {"client-certificate-data": encoded(me.certificate), "client-key-data": encoded(me.key)}
    with server(authority, tmp_path) as address:
        with pytest.raises(urllib3.exceptions.SSLError, match="certificate verify failed"):
            status(kubeconfig({"server": address, "certificate-authority-data": encoded(stranger.certificate)}, user))
        with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
            assert status(kubeconfig({"server": address, "insecure-skip-tls-verify": True}, user)) == HTTPStatus.OK


def test_a_login_program_provides_the_token(tmp_path: Path) -> None:
    credential = (
        '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "fresh"}}'
    )
    program = tmp_path / "login"
    program.write_text(f"#!/bin/sh\necho '{credential}'\n")
    program.chmod(0o700)
    settings = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    connection = connect(yaml.safe_dump(kubeconfig(user={"exec": settings})), None)
    assert (connection.address, connection.authorization()) == (SERVER, "Bearer fresh")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("apiVersion: v1\nkind: Config\n", "it has no current-context"),
        (yaml.safe_dump(kubeconfig() | {"current-context": "three"}), "it has no context named three"),
        (yaml.safe_dump(kubeconfig() | {"users": []}), "it has no user named me"),
        (yaml.safe_dump(kubeconfig(user={"client-certificate-data": "?"})), "the kubeconfig cannot be used"),
        ("- a\n- b\n", "the kubeconfig cannot be used"),
    ],
)
def test_an_unusable_kubeconfig_has_a_message(content: str, message: str) -> None:
    with pytest.raises(ClusterUnreachableError, match=message):
        connect(content, None)


def test_the_plugin_answers_without_the_sdk(twin_kubeconfig: Path) -> None:
    script = (
        "import sys; from tools.offline.plugins import sdk_bypass; sdk_bypass.bypass()\n"
        "from tools.offline.plugins.kubernetes import start\n"
        "from tools.offline.plugins.kubernetes.api import KubernetesApi\n"
        "print(KubernetesApi(sys.argv[1], None).is_namespaced('v1', 'Pod'), hasattr(sys.modules['pulumi'], 'Resource'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, twin_kubeconfig],
        cwd=Path(__file__).parents[3],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "False"]
    assert KubernetesApi(str(twin_kubeconfig), None).is_namespaced("v1", "Node") is False
