"""Connect to an API server: address and credentials of a kubeconfig, as a pool of HTTP connections.

A kubeconfig with fixed credentials, such as K3s writes, is read here. Others, with login programs for example, need the
official client, whose import doubles the start time of the plugin.
"""

import base64
import binascii
import functools
import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml

from tools.offline.plugins.kubernetes.errors import ClusterUnreachableError

CONNECTIONS: Final = 64
# All calls are idempotent, so they are retried after a lost connection or on a busy server.
RETRIES: Final = urllib3.Retry(3, backoff_factor=0.2, allowed_methods=None, raise_on_status=False)
DEFAULT: Final = Path("~/.kube/config")
CLUSTER: Final = {
    *("server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name"),
    "extensions",
}
USER: Final = {"client-certificate", "client-certificate-data", "client-key", "client-key-data", "token"}
Section = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ApiConnection:
    """Address of an API server, a connection pool, and a function that returns the `Authorization` header or None."""

    address: str
    pool: urllib3.PoolManager
    authorization: Callable[[], str | None]


def connect(kubeconfig: str | None, context: str | None) -> ApiConnection:
    """Connect by *kubeconfig*, a path or the content; None means the default locations.

    Raises ClusterUnreachableError where it cannot be used.
    """
    try:
        content, folder = _content(kubeconfig)
        cluster, user = _chosen(content, context)
        if content and cluster.keys() <= CLUSTER and user.keys() <= USER:
            return _fixed(cluster, user, folder)
        return _official(kubeconfig, context)
    except (AttributeError, KeyError, OSError, TypeError, ValueError, binascii.Error, yaml.YAMLError) as error:
        raise ClusterUnreachableError(f"the kubeconfig cannot be used: {error}") from error


def _content(kubeconfig: str | None) -> tuple[Section, Path]:
    """Return the content of a kubeconfig and the folder of its relative paths; empty where there is no single file."""
    file = Path(kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT).expanduser()
    if "\n" not in str(file) and file.is_file():
        return yaml.safe_load(file.read_text(encoding="utf-8")) or {}, file.absolute().parent
    return (yaml.safe_load(kubeconfig) or {}) if kubeconfig else {}, Path.cwd()


def _chosen(content: Section, context: str | None) -> tuple[Section, Section]:
    """Return the cluster and the user of a context; both empty without a kubeconfig."""
    if not content:
        return {}, {}
    chosen = _named(content, "context", context or content.get("current-context"))
    return _named(content, "cluster", chosen["cluster"]), _named(content, "user", chosen["user"])


def _named(content: Section, kind: str, name: str | None) -> Section:
    for entry in content.get(f"{kind}s") or ():
        if entry["name"] == name:
            section: Section = entry[kind]
            return section
    raise ValueError(f"it has no {kind} named {name}" if name else "it has no current-context")


def _fixed(cluster: Section, user: Section, folder: Path) -> ApiConnection:
    authorization = f"Bearer {user['token']}" if "token" in user else None
    return ApiConnection(
        address=str(cluster["server"]).rstrip("/"),
        pool=_pool({"ssl_context": _context(cluster, user, folder), "server_hostname": cluster.get("tls-server-name")}),
        authorization=lambda: authorization,
    )


def _context(cluster: Section, user: Section, folder: Path) -> ssl.SSLContext:
    """Return the TLS context; certificates inside the kubeconfig become files only while they are loaded."""
    with tempfile.TemporaryDirectory(prefix="synapse-tls-") as scratch:
        file = functools.partial(_file, folder=folder, scratch=Path(scratch))
        context = ssl.create_default_context(cafile=file(cluster, "certificate-authority"))
        if certificate := file(user, "client-certificate"):
            context.load_cert_chain(certificate, file(user, "client-key"))
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _file(section: Section, key: str, folder: Path, scratch: Path) -> str | None:
    """Return the file that *key* names, or a file in *scratch* with the content of `<key>-data`."""
    if data := section.get(f"{key}-data"):
        content = base64.b64decode(data, validate=True)
        (scratch / key).write_bytes(content)
        return str(scratch / key)
    return str(folder / section[key]) if key in section else None


def _official(kubeconfig: str | None, context: str | None) -> ApiConnection:
    """Connect by the official client: several files, a login program, or a pod's service account."""
    from kubernetes import client, config  # noqa: PLC0415 (see above)

    settings, loader = client.Configuration(), config
    options: dict[str, Any] = {"context": context, "client_configuration": settings, "persist_config": False}
    try:
        if kubeconfig is None:
            loader.load_config(**options)  # type: ignore[no-untyped-call]
        elif Path(kubeconfig).expanduser().is_file():
            loader.load_kube_config(str(Path(kubeconfig).expanduser()), **options)  # type: ignore[no-untyped-call]
        else:
            loader.load_kube_config_from_dict(yaml.safe_load(kubeconfig), **options)  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        raise ValueError(error) from error
    tls = {
        "cert_reqs": "CERT_REQUIRED" if settings.verify_ssl else "CERT_NONE",
        "ca_certs": settings.ssl_ca_cert,
        "cert_file": settings.cert_file,
        "key_file": settings.key_file,
        "server_hostname": settings.tls_server_name,
    }
    return ApiConnection(
        address=settings.host.rstrip("/"),
        pool=_pool(tls, settings.proxy),
        authorization=lambda: settings.get_api_key_with_prefix("BearerToken", alias="authorization"),
    )


def _pool(tls: Mapping[str, Any], proxy: str | None = None) -> urllib3.PoolManager:
    options = {key: value for key, value in tls.items() if value is not None}
    options |= {"maxsize": CONNECTIONS, "retries": RETRIES}
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
