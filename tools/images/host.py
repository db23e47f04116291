"""What a build needs of this machine to reach the package indexes, and an image must not keep."""

import configparser
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CERTIFICATES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
BUNDLES: Final = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
PIP_KEYS: Final = ("index-url", "extra-index-url", "trusted-host", "proxy")
PIP_FILES: Final = (Path("/etc/pip.conf"), Path("~/.pip/pip.conf"), Path("~/.config/pip/pip.conf"))

UV_CACHE: Final = "/root/.cache/uv"


def is_debian(suite: str) -> bool:
    """Whether this machine is that release of Debian, so that what is compiled here runs on a base of it."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME") == suite
    except OSError:
        return False


def caches(suite: str) -> Mapping[str, Path]:
    """Folder of a build -> folder of this machine: uv's wheels, where those that were compiled fit the base."""
    place = Path(os.environ.get("UV_CACHE_DIR", Path.home() / ".cache/uv"))
    return {UV_CACHE: place} if is_debian(suite) and place.is_dir() else {}


def secrets(folder: Path) -> Mapping[str, Path]:
    """Secrets for a build, id -> file: `ca`, the certificates that are trusted here, and `pip`, where pip looks.

    What has to be written first goes into *folder*, which is made.
    """
    folder.mkdir(exist_ok=True)
    found = {}
    if bundle := certificates():
        found["ca"] = bundle
    if settings := pip_settings():
        found["pip"] = folder / "pip.conf"
        lines = (f"{key} = {value}\n" for key, value in settings.items())
        found["pip"].write_text("[global]\n" + "".join(lines), encoding="utf-8")
    return found


def certificates() -> Path | None:
    """The bundle that programs here trust."""
    named = (Path(os.environ[name]) for name in CERTIFICATES if os.environ.get(name))
    return next((path for path in (*named, *BUNDLES) if path.is_file()), None)


def pip_settings() -> dict[str, str]:
    """What pip is told here about its index; a variable wins over the files, as it does for pip."""
    files = configparser.ConfigParser(interpolation=None)
    files.read([path.expanduser() for path in PIP_FILES], encoding="utf-8")
    found = {key: files.get("global", key, fallback=None) for key in PIP_KEYS}
    told = {key: os.environ.get(f"PIP_{key.upper().replace('-', '_')}", value) for key, value in found.items()}
    return {key: value for key, value in told.items() if value}
