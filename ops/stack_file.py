"""The stack file as a text: read, changed by edits that keep everything else, and written in one step."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from infra import yaml_edit
from infra.errors import SettingsError
from infra.settings import strict_yaml
from infra.settings.loader import is_encrypted, load, parse, project, read_config
from infra.settings.model import Settings
from infra.settings.names import PREFIX


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change of a stack file at *path*, the keys under `config:`, without the prefix of this project."""

    path: tuple[str | int, ...]
    value: object = None
    action: Literal["set", "remove", "prepend"] = "set"

    def apply(self, text: str) -> str:
        """Return *text* with the change. Raises SettingsError where it cannot be made safely."""
        path = ("config", f"{PREFIX}{self.path[0]}", *self.path[1:])
        if self.action == "remove":
            return yaml_edit.removed(text, path)
        change = yaml_edit.prepended if self.action == "prepend" else yaml_edit.replaced
        return change(text, path, self.value)


@dataclass(frozen=True, kw_only=True)
class StackText:
    """The text of a stack file."""

    stack: str
    text: str

    @property
    def name(self) -> str:
        return f"Pulumi.{self.stack}.yaml"

    def changed(self, edits: Iterable[Edit]) -> "StackText":
        """Return the text with all *edits*. Raises SettingsError."""
        text = self.text
        for edit in edits:
            try:
                text = edit.apply(text)
            except SettingsError as error:
                raise SettingsError(f"{self.name}: {error}") from error
        return StackText(stack=self.stack, text=text)

    def config(self) -> Mapping[str, Any]:
        """Return the unchecked `config:` mapping."""
        config: Mapping[str, Any] = strict_yaml.load(self.text)["config"]
        return config

    def services(self) -> Mapping[str, Any]:
        """Return the unchecked services."""
        services: Mapping[str, Any] = self.config().get(f"{PREFIX}services") or {}
        return services

    def settings(self) -> Settings:
        """Return the settings that it describes. Raises SettingsError."""
        config = self.config()
        return parse(config, self.name, lambda key: is_encrypted(config[key]))


def read(stack: str) -> StackText:
    """Return the text of an existing stack file. Raises SettingsError."""
    read_config(stack)
    return StackText(stack=stack, text=_path(stack).read_bytes().decode("utf-8"))


def write(before: StackText, after: StackText) -> Path:
    """Write the file in one step, once it loads; return its path. Raises SettingsError, with the file as it was."""
    path = _path(before.stack)
    try:
        with tempfile.TemporaryDirectory(prefix=".synapse-", dir=path.parent) as folder:
            file = Path(folder) / before.name
            _store(file, after.text.encode("utf-8"))
            shutil.copymode(path, file)
            load(before.stack, file.parent)
            if path.read_bytes() != before.text.encode("utf-8"):
                raise SettingsError(f"{before.name}: somebody else has changed it; nothing was written; try again")
            file.replace(path)
    except OSError as error:
        reason = f"{error.filename or path}: {error.strerror}"
        raise SettingsError(f"{before.name}: cannot be written ({reason}); it is as it was") from error
    return path


def _store(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _path(stack: str) -> Path:
    """Return the file itself, where the name in the project is a link."""
    return (project() / f"Pulumi.{stack}.yaml").resolve()
