"""Secrets of a deployed stack: kept by its own engine, and named in its settings."""

import secrets
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from infra.settings.api_keys import API_KEYS, HASHED
from infra.settings.loader import check_secrets, load
from infra.settings.model import SECRETS, Settings
from infra.settings.names import PREFIX
from ops.cluster.target import engine_state
from tools.errors import ToolsError
from tools.offline.kept_secrets import KeptSecrets

DASHBOARD: Final = f"{PREFIX}dashboardToken"
GIVEN: Final = frozenset({"buildKey", "hfToken"})  # another place knows these, so a random value is worth nothing
RANDOM_BYTES: Final = 24
OWN_CLUSTER: Final = Path()
"""Stands for any kubeconfig but that of the private cluster: all of them share an engine."""


def kept_secrets(stack: str, kubeconfig: Path | None) -> KeptSecrets:
    """Return the secrets of the stack's engine for this cluster; it need not run. Raises SettingsError."""
    return KeptSecrets(engine_state(stack, load(stack), kubeconfig))


def with_secrets(stack: str, settings: Settings, kubeconfig: Path | None) -> Settings:
    """Return the settings with the names of the secrets that the stack's engine keeps, of either engine without one.

    Raises SettingsError for a secret that the stack file needs and nothing has.
    """
    clusters = (kubeconfig,) if kubeconfig else (None, OWN_CLUSTER)
    kept = [key for each in clusters for key in KeptSecrets(engine_state(stack, settings, each)).config()]
    names = {key.removeprefix(PREFIX) for key in kept if key.startswith(PREFIX)}
    complete = settings.model_copy(update={"secrets": settings.secrets | (names & SECRETS)})
    return check_secrets(complete, f"Pulumi.{stack}.yaml")


def full_key(key: str) -> str:
    """Return the key with its prefix. Raises ToolsError for one that is no secret."""
    name = key.removeprefix(PREFIX)
    if name not in SECRETS:
        near = get_close_matches(name, SECRETS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ToolsError(f"got {name}; accepted: {', '.join(sorted(SECRETS))}{hint}")
    return PREFIX + name


def generated(key: str) -> str:
    """Return a random value. Raises ToolsError for a secret that comes from elsewhere."""
    if key.removeprefix(PREFIX) in GIVEN:
        raise ToolsError(f"{key}: got --generate; accepted: the value that was given to you, on standard input")
    return secrets.token_urlsafe(RANDOM_BYTES)


def ensure_dashboard_token(stack: str, settings: Settings) -> str | None:
    """Keep a random token for the dashboard of a private cluster; return it, or None where there was one."""
    kept = KeptSecrets(engine_state(stack, settings, None))
    if DASHBOARD in kept.config() or DASHBOARD.removeprefix(PREFIX) in settings.secrets:
        return None
    token = generated(DASHBOARD)
    kept.set(DASHBOARD, token)
    return token


def admin_key(stack: str, settings: Settings, kubeconfig: Path | None) -> str | None:
    """Return the first kept API key of scope admin, for commands that ask the gateway; None without one."""
    kept = KeptSecrets(engine_state(stack, settings, kubeconfig)).get(PREFIX + API_KEYS) or ""
    for entry in kept.split(","):
        key, *options = entry.strip().split(";")
        if "scope=admin" in options and not key.startswith(HASHED):
            return key
    return None
