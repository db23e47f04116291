"""Settings of this machine that a build needs to reach the package indexes; the image does not keep them."""

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
    """Return whether this machine runs that release of Debian: compiled files then fit a base of it."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME") == suite
    except OSError:
        return False


def caches(suite: str) -> Mapping[str, Path]:
    """Return shared caches (folder of the build -> folder here): uv's cache, where its wheels fit the base."""
    cache = Path(os.environ.get("UV_CACHE_DIR", Path.home() / ".cache/uv"))
    return {UV_CACHE: cache} if is_debian(suite) and cache.is_dir() else {}


def secrets(folder: Path) -> Mapping[str, Path]:
    """Return the secrets of a build (id -> file): `ca`, the trusted certificates, and the settings of `pip` and `npm`.

    Files that are written for it go into *folder*, which is made.
    """
    folder.mkdir(exist_ok=True)
    files: dict[str, Path] = {}
    if bundle := certificates():
        files["ca"] = bundle
    if (npm := npm_settings()).is_file():
        files["npm"] = npm
    if settings := pip_settings():
        files["pip"] = folder / "pip.conf"
        lines = (f"{key} = {value}\n" for key, value in settings.items())
        files["pip"].write_text("[global]\n" + "".join(lines), encoding="utf-8")
    return files


def certificates() -> Path | None:
    """Return the bundle of trusted certificates of this machine."""
    configured = (Path(os.environ[name]) for name in CERTIFICATES if os.environ.get(name))
    return next((path for path in (*configured, *BUNDLES) if path.is_file()), None)


def npm_settings() -> Path:
    """Return the file with the user's settings of npm, which may not exist."""
    return Path(os.environ.get("NPM_CONFIG_USERCONFIG", Path.home() / ".npmrc"))


def pip_settings() -> dict[str, str]:
    """Return pip's index settings on this machine; an environment variable wins over the files, as for pip."""
    files = configparser.ConfigParser(interpolation=None)
    files.read([path.expanduser() for path in PIP_FILES], encoding="utf-8")
    defaults = {key: files.get("global", key, fallback=None) for key in PIP_KEYS}
    settings = {key: os.environ.get(f"PIP_{key.upper().replace('-', '_')}", value) for key, value in defaults.items()}
    return {key: value for key, value in settings.items() if value}
