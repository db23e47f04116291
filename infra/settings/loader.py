"""Read the settings of a stack from its `Pulumi.<stack>.yaml` or from the Pulumi engine."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from infra.catalog.kinds import CATALOG
from infra.errors import SettingsError
from infra.settings import strict_yaml
from infra.settings.error_messages import messages, suggest
from infra.settings.model import ROOT, SECRETS, Settings, StackFile
from infra.settings.names import PREFIX
from infra.settings.services import Service
from infra.settings.validation import missing_secrets, validate


def project() -> Path:
    """Return the folder of the Pulumi project: the current folder if it is one, else this checkout."""
    return Path.cwd() if Path("Pulumi.yaml").is_file() else ROOT


def load(stack: str, root: Path | None = None) -> Settings:
    """Load the settings in `Pulumi.<stack>.yaml` of *root*. Raises SettingsError with a line for each error."""
    config = read_config(stack, root)
    return parse(config, f"Pulumi.{stack}.yaml", lambda key: is_encrypted(config[key]))


def read_config(stack: str, root: Path | None = None) -> Mapping[str, Any]:
    """Return the unchecked `config:` mapping of a stack file. Raises SettingsError where there is none."""
    root = root or project()
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        stacks = ", ".join(sorted(other.name.split(".")[1] for other in root.glob("Pulumi.*.yaml"))) or "none"
        raise SettingsError(f"{path.name}: no such stack file; stacks in the same folder: {stacks}")
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path.name}: is no text in UTF-8; accepted: YAML in UTF-8") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: not valid YAML: {strict_yaml.reason(error)}") from error
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        raise SettingsError(f"{path.name}: config: missing; accepted: a mapping of {PREFIX}<key> to its value")
    return config


def is_encrypted(value: object) -> bool:
    """Return True for a value of a stack file that Pulumi has encrypted."""
    return isinstance(value, Mapping) and "secure" in value


def from_engine(config: Mapping[str, str], stack: str, is_secret: Callable[[str], bool]) -> Settings:
    """Parse the settings that the Pulumi engine passes to the program: strings, objects encoded as JSON."""
    source = f"Pulumi.{stack}.yaml"
    return check_secrets(parse({key: _decoded(value) for key, value in config.items()}, source, is_secret), source)


def check_secrets(settings: Settings, source: str) -> Settings:
    """Return the settings, whose names of secrets are complete. Raises SettingsError for a secret that they need."""
    if errors := list(missing_secrets(settings)):
        raise SettingsError("\n".join(f"{source}: {PREFIX}{error}" for error in errors))
    return settings


def parse(config: Mapping[str, Any], source: str, is_secret: Callable[[str], bool]) -> Settings:
    """Parse the `config:` mapping of a stack file; keys of other projects (`kubernetes:...`) are ignored.

    *is_secret* returns True for a full key (`synapse:hfToken`) whose value is encrypted.
    Raises SettingsError, which names *source*, the key path, the value and what is accepted.
    """
    values = {key.removeprefix(PREFIX): value for key, value in config.items() if key.startswith(PREFIX)}
    secrets = SECRETS & values.keys()
    errors = [_plain_secret(key) for key in sorted(secrets) if not is_secret(PREFIX + key)]
    for key in secrets:
        del values[key]
    if isinstance(values.get("services"), Mapping):
        values["services"], service_errors = _services(values["services"])
        errors += service_errors
    try:
        settings = Settings(**dict(StackFile.model_validate(values)), secrets=frozenset(secrets))
    except ValidationError as error:
        settings, errors = None, [*errors, *messages(error, StackFile)]
    if settings is not None and not errors:
        errors = list(validate(settings))
    if settings is None or errors:
        raise SettingsError("\n".join(f"{source}: {PREFIX}{error}" for error in errors))
    return settings


def _decoded(value: str) -> Any:  # noqa: ANN401 - JSON holds anything
    try:
        return json.loads(value)
    except ValueError:
        return value


def _plain_secret(key: str) -> str:
    return (
        f"{key}: in plain text; accepted: a secret: take the line out of the file, then `synapse secret set {key}` for "
        f"the bundled engine, or `pulumi config set --secret {PREFIX}{key}` for Pulumi's own"
    )


def _services(values: Mapping[str, Any]) -> tuple[dict[str, Service], list[str]]:
    """Parse each service with the options of its kind; the kind is the service's name unless it has a `kind`."""
    services: dict[str, Service] = {}
    errors: list[str] = []
    for name, value in values.items():
        fields = {} if value is None else value
        kind = fields.get("kind", name) if isinstance(fields, Mapping) else name
        if kind not in CATALOG:
            errors.append(f"services.{name}: got kind {kind!r}; accepted: {', '.join(CATALOG)}{suggest(kind, CATALOG)}")
            continue
        try:
            services[name] = CATALOG[kind].options.model_validate(fields)
        except ValidationError as error:
            errors += messages(error, CATALOG[kind].options, ("services", name))
    return services, errors
