"""Secrets of a stack file, which Pulumi encrypted for an engine with another passphrase."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml

from infra.settings.loader import is_encrypted, project, read_config
from infra.settings.names import PREFIX
from tools.errors import ToolsError
from tools.offline.kept_secrets import SALT, SECURE
from tools.offline.passphrase import Passphrase, PassphraseError

PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
PASSPHRASE_FILE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
STAND_IN: Final = "a-secret-of-the-twin"  # no pod of a twin reads it


@dataclass(frozen=True)
class SealedSecrets:
    """Full key -> encrypted text, and the salt of the stack file; None where no passphrase opens it."""

    texts: Mapping[str, str]
    salt: str | None

    @classmethod
    def read(cls, stack: str) -> "SealedSecrets":
        """Read the stack file. Raises SettingsError."""
        config = read_config(stack)
        content = yaml.safe_load((project() / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
        texts = {key: str(value[SECURE]) for key, value in config.items() if is_encrypted(value)}
        return cls(texts, content.get(SALT))

    def without(self, keys: Collection[str]) -> "SealedSecrets":
        """Return the others."""
        return replace(self, texts={key: text for key, text in self.texts.items() if key not in keys})

    def stand_ins(self) -> dict[str, str]:
        """Return a value for each that opens nothing."""
        return dict.fromkeys(self.texts, STAND_IN)

    def opened(self, stack: str, *, needed: bool) -> dict[str, str]:
        """Return the values, opened with the passphrase in the environment.

        Without one: raises ToolsError where they are *needed*, else returns none.
        """
        phrase = _passphrase()
        if not self.texts:
            return {}
        if phrase is None or self.salt is None:
            if needed:
                raise ToolsError(self._closed(stack))
            return {}
        passphrase = Passphrase(phrase, self.salt)
        try:
            passphrase.check()
            return {key: passphrase.decrypt(text) for key, text in self.texts.items()}
        except PassphraseError as error:
            raise ToolsError(f"{PASSPHRASE}: does not open the secrets of Pulumi.{stack}.yaml: {error}") from error

    def _closed(self, stack: str) -> str:
        names = ", ".join(sorted(self.texts))
        first = min(self.texts).removeprefix(PREFIX)
        ways = [f"a value that stays with this deployment: synapse secret set --stack {stack} {first}"]
        if self.salt:
            ways.append(f"the passphrase of the file in {PASSPHRASE} or {PASSPHRASE_FILE}")
        return f"Pulumi.{stack}.yaml: {names}: encrypted for another engine; accepted: {', or '.join(ways)}"


def _passphrase() -> str | None:
    """Return the caller's passphrase, in the order in which Pulumi looks for it. Raises ToolsError."""
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    if not (file := os.environ.get(PASSPHRASE_FILE)):
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ToolsError(
            f"{PASSPHRASE_FILE}: got {file}: {error.strerror}; accepted: a file that can be read"
        ) from error
