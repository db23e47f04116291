"""Secrets that an engine keeps: they belong to what it has deployed, so they stay when the checkout changes."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tools.control_plane.files import create_private, write_private
from tools.offline.backend import readable
from tools.offline.passphrase import Passphrase, PassphraseError

SALT: Final = "encryptionsalt"
SECURE: Final = "secure"
PRIVATE: Final = 0o700


def is_secure(value: object) -> bool:
    """Return whether a value of a stack file is encrypted."""
    return isinstance(value, Mapping) and SECURE in value


@dataclass(frozen=True)
class KeptSecrets:
    """Secrets in the folder of an engine, as `secure:` values under one salt, and the passphrase that opens them."""

    state: Path

    @property
    def file(self) -> Path:
        return self.state / "secrets.yaml"

    @property
    def passphrase_file(self) -> Path:
        return self.state / "passphrase"

    @property
    def salt(self) -> str | None:
        """Salt of the values; None before the first."""
        return self._content().get(SALT)

    def config(self) -> dict[str, Any]:
        """Return the values as a stack file has them: full key -> `{"secure": TEXT}`."""
        return dict(self._content().get("config") or {})

    def set(self, key: str, value: str, salt: str | None = None) -> None:
        """Keep a value; *salt*: of the engine's stack file, for the first one. Raises PassphraseError."""
        phrase = self.ensure_passphrase()
        used = self.salt or salt or self._engine_salt()
        passphrase = Passphrase(phrase, used) if used else Passphrase.new(phrase)
        self._check(passphrase)
        self.replace(self.config() | {key: {SECURE: passphrase.encrypt(value)}}, passphrase.salt)

    def get(self, key: str) -> str | None:
        """Return a value, or None where it is not kept. Raises PassphraseError."""
        if not (kept := self.config().get(key)):
            return None
        passphrase = Passphrase(self.ensure_passphrase(), self.salt or "")
        self._check(passphrase)
        return passphrase.decrypt(kept[SECURE])

    def remove(self, key: str) -> bool:
        """Forget a value; return whether there was one."""
        config = self.config()
        if config.pop(key, None) is None:
            return False
        self.replace(config, self.salt)
        return True

    def replace(self, config: Mapping[str, Any], salt: str | None) -> None:
        """Keep exactly these encrypted values."""
        content = {SALT: salt, "config": dict(sorted(config.items()))}
        write_private(self.file, yaml.safe_dump(content, sort_keys=False))

    def ensure_passphrase(self) -> str:
        """Return the engine's passphrase; make it for a new engine. Raises PassphraseError where it is lost."""
        self.state.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        if not self._has_passphrase():
            if needing := self._encrypted():
                raise PassphraseError(self._lost(needing))
            self.passphrase_file.unlink(missing_ok=True)
            create_private(self.passphrase_file, secrets.token_urlsafe(32))
        return self.passphrase_file.read_text().strip()

    def _engine_salt(self) -> str | None:
        """Return the salt of the engine's copy of its stack file, which Pulumi made before the first secret."""
        files = sorted((self.state / "project").glob("Pulumi.*.yaml"))
        return next((str(salt) for file in files if (salt := readable(file).get(SALT))), None)

    def _has_passphrase(self) -> bool:
        """Return whether there is one; an earlier version left an empty file where it was killed."""
        return self.passphrase_file.exists() and bool(self.passphrase_file.read_text().strip())

    def _encrypted(self) -> Path | None:
        """Return a file that only the passphrase opens, if there is one."""
        checkpoints = sorted((self.state / "backend/.pulumi/stacks").glob("*/*.json"))
        return next((file for file in (self.file, *checkpoints) if file.exists()), None)

    def _lost(self, needing: Path) -> str:
        return (
            f"{self.passphrase_file}: missing or empty, and {needing} is encrypted with it; put it back from a copy. "
            f"Without one: `mv {self.state} {self.state}.lost`, set the secrets anew (`synapse secret set`), and "
            "`synapse up` takes over what is in the cluster"
        )

    def _check(self, passphrase: Passphrase) -> None:
        try:
            passphrase.check()
        except PassphraseError as error:
            raise PassphraseError(f"{self.passphrase_file}: does not open {self.file}: {error}") from error

    def _content(self) -> dict[str, Any]:
        if not self.file.exists():
            return {}
        try:
            content = yaml.safe_load(self.file.read_text())
            if content[SALT] and all(map(is_secure, content["config"].values())):
                return dict(content)
        except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
            pass
        raise PassphraseError(
            f"{self.file}: cannot be read, so the secrets of this stack are unknown; put the file back from a copy, or "
            f"take it away (`mv {self.file} {self.file}.broken`) and set them anew (`synapse secret set`)"
        )
