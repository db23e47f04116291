"""Rule for secrets: pods read them from Secrets, never from literals."""

from collections.abc import Iterator
from typing import Any

from policies.reading.claims import Container, containers
from policies.reading.objects import Object
from policies.reading.pods import pods
from policies.reading.secret_detection import arguments, is_secret, is_shaped, settings
from policies.reading.unknowns import mapping, values
from policies.rule import Config, object_rule

REMEDY = "store it in a Secret, and read it with valueFrom.secretKeyRef or as a file"


def _check(item: Object, _: Config) -> Iterator[str]:
    if item.kind == "ConfigMap":
        yield from _config_map(mapping(item.manifest.get("data")))
    for pod in pods(item):
        for container in containers(pod.spec):
            for field in (*_environment(container), *_command(container)):
                yield f"container {container.get('name')} has a secret in {field}; {REMEDY}"
    for key, value in item.annotations.items():
        if isinstance(value, str) and is_shaped(value):
            yield f"has a secret in annotation {key}; {REMEDY}"


def _environment(container: Container) -> Iterator[str]:
    for entry in values(container.get("env")):
        name, value = mapping(entry).get("name"), mapping(entry).get("value")
        if isinstance(value, str) and is_secret(str(name), value):
            yield f"the plain variable {name}"


def _command(container: Container) -> Iterator[str]:
    for field in ("command", "args"):
        words = [word for word in values(container.get(field)) if isinstance(word, str)]
        named = [name for name, value in arguments(words) if is_secret(name, value)]
        if named:
            yield f"{field}: {', '.join(dict.fromkeys(named))}"
        elif any(is_shaped(word) for word in words):
            yield field


def _config_map(data: dict[str, Any]) -> Iterator[str]:
    """Detect secrets by the key, by the settings in the value, or by the format of the value, which is never shown."""
    for key, value in data.items():
        if not isinstance(value, str):
            continue
        named = [name for name, setting in settings(value) if is_secret(name, setting)]
        if named or is_secret(key, value):
            yield f"has a secret in the plain key {key}{f' ({named[0]})' if named else ''}; {REMEDY}"


secrets_stay_secret = object_rule(
    "secrets-stay-secret",
    "No secret is in a plain variable, a command line or a ConfigMap.",
    _check,
    reason="A literal secret is readable in the state, in the description of the pod, and in every backup of both.",
)
