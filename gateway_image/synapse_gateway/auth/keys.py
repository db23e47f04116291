"""API keys: bearer tokens, stored as hashes only, each with a scope and a quota.

An entry of `SYNAPSE_API_KEYS` is a key, or `sha256:` and the hash of a key in hex, followed by options:

    sha256:2bb80d53...;name=ci;scope=user;rpm=600;concurrency=8
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from synapse_gateway.auth.quota import Quota
from synapse_gateway.environment import SettingError
from synapse_gateway.errors import AuthenticationError, PermissionDeniedError

Scope = Literal["user", "admin"]
Access = Literal["open", "user", "admin", "dashboard"]
HASHED = "sha256:"
ACCEPTED = "a key or sha256:<64 hex digits>, then ;name=, ;scope=user|admin, ;rpm= and ;concurrency="


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Owner of a key. *name* may be shown; the key itself is not stored."""

    name: str
    scope: Scope
    quota: Quota = field(default_factory=Quota)

    @property
    def is_admin(self) -> bool:
        return self.scope == "admin"


ANONYMOUS = Identity(name="anonymous", scope="admin")
"""Identity of all clients where no keys are configured; access is then limited by the network alone."""


class Keys:
    """Keys of the gateway, by hash."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._identities: Mapping[bytes, Identity] = dict(
            _entry(number, text) for number, text in enumerate(entries, 1)
        )

    def identify(self, authorization: str | None, access: Access) -> Identity:
        """Return the owner of the bearer key. Raises AuthenticationError and PermissionDeniedError."""
        if access in {"open", "dashboard"} or not self._identities:
            return ANONYMOUS
        identity = self._identities.get(hashlib.sha256(_bearer(authorization)).digest())
        if identity is None:
            raise AuthenticationError("the API key is missing or unknown; send it as Authorization: Bearer <key>")
        if access == "admin" and not identity.is_admin:
            raise PermissionDeniedError(f"got key {identity.name!r} of scope {identity.scope}; accepted: scope admin")
        return identity


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def _bearer(header: str | None) -> bytes:
    scheme, _, key = (header or "").partition(" ")
    return key.strip().encode("utf-8", "surrogateescape") if scheme.lower() == "bearer" else b""


def _entry(number: int, text: str) -> tuple[bytes, Identity]:
    secret, *options = text.split(";")
    values = dict(_options(number, options))
    scope = values.get("scope", "user")
    if scope not in get_args(Scope):
        raise SettingError(f"SYNAPSE_API_KEYS: entry {number}: got scope {scope!r}; accepted: user, admin")
    quota = Quota(_count(number, "rpm", values), _count(number, "concurrency", values))
    name = values.get("name", f"key-{number}")
    return _digest(number, secret), Identity(name=name, scope=cast("Scope", scope), quota=quota)


def _digest(number: int, secret: str) -> bytes:
    if not secret.startswith(HASHED):
        return hashlib.sha256(secret.encode()).digest()
    try:
        digest = bytes.fromhex(secret.removeprefix(HASHED))
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise SettingError(f"SYNAPSE_API_KEYS: entry {number}: the hash is not 64 hex digits; accepted: {ACCEPTED}")
    return digest


def _options(number: int, options: Iterable[str]) -> Iterator[tuple[str, str]]:
    for option in options:
        name, _, value = option.partition("=")
        if name not in {"name", "scope", "rpm", "concurrency"} or not value:
            raise SettingError(f"SYNAPSE_API_KEYS: entry {number}: got {option!r}; accepted: {ACCEPTED}")
        yield name, value


def _count(number: int, name: str, values: Mapping[str, str]) -> int:
    value = values.get(name, "0")
    if not value.isdigit():
        raise SettingError(f"SYNAPSE_API_KEYS: entry {number}: got {name}={value}; accepted: a whole number")
    return int(value)
