"""The configuration file: which backends there are, and which of them answers for a model. It is read whole or refused.

backends:
  vllm: { url: "http://vllm-inference:8001", type: vllm, health: /health, tasks: [chat] }
routes:
  - model: llama3.1-8b
    targets: [{ backend: vllm, model: meta-llama/Meta-Llama-3.1-8B-Instruct }]
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import yaml

from synapse_gateway.upstream.adapters import ADAPTERS, Adapter, Task


class ConfigError(Exception):
    """The file cannot be used; the message has a line for each fault: where, what, and what is accepted."""


class BackendConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One backend. *concurrency* calls at once, *queue* more that wait; *tasks* narrow what its type can do.

    *sleep_idle_s*: seconds without a call after which it is put to sleep; 0 means never.
    """

    url: str
    type: str = "openai"
    health: str | None = None
    tasks: tuple[Task, ...] = ()
    concurrency: int = 1024
    queue: int = 1024
    sleep_idle_s: float = 0
    languages: tuple[str, ...] = ()  # of a text-to-speech backend

    @property
    def adapter(self) -> Adapter:
        return ADAPTERS[self.type]

    @property
    def health_path(self) -> str:
        """Where it tells how it is; empty for a backend that does not."""
        return self.adapter.health if self.health is None else self.health

    @property
    def served_tasks(self) -> tuple[Task, ...]:
        return self.tasks or self.adapter.tasks


class TargetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One stop of a route, and the name that the backend knows the model by; the route's own if left out."""

    backend: str
    model: str | None = None


class RouteConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public model name and the backends that serve it, first choice first."""

    model: str
    targets: tuple[TargetConfig, ...]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    backends: dict[str, BackendConfig]
    routes: tuple[RouteConfig, ...] = ()


def load(path: Path) -> Config:
    """The configuration in *path*. Raises ConfigError with file and line of each fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {type(error).__name__}: {error}; name a readable file with --config") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Config:
    """The configuration in *text*; *source* is what messages call it."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(node, ()))
        content = yaml.safe_load(text)
        config = _typed(content)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: {error}") from error
    except KeyFaultError as error:
        raise ConfigError(f"{source}:{error}") from error
    except MistypedError as error:
        raise ConfigError(f"{source}:{_line(lines, error.path)}: {error}") from error
    if faults := [f"{source}:{_line(lines, path)}: {message}" for path, message in _faults(config)]:
        raise ConfigError("\n".join(faults))
    return config


Path_ = tuple[str | int, ...]


class KeyFaultError(Exception):
    """A key that is no word, or that a mapping has twice: YAML would keep the last one in silence."""


def _lines(node: yaml.Node | None, path: Path_) -> Iterator[tuple[Path_, int]]:
    """Every path of the document with its line."""
    if node is None:
        return
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise KeyFaultError(f"{key.start_mark.line + 1}: a key is a word, not a list or a mapping")
            if key.value in seen:
                raise KeyFaultError(f"{key.start_mark.line + 1}: {key.value!r} is there twice; keep one")
            seen.add(key.value)
            yield from _lines(value, (*path, key.value))
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index))


def _typed(content: Any) -> Config:  # noqa: ANN401 - YAML holds anything
    """Raises MistypedError; msgspec does not say which backend of a mapping it means, so each is looked at alone."""
    try:
        return msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        sections = content.get("backends") if isinstance(content, dict) else None
        for name, section in sections.items() if isinstance(sections, dict) else ():
            try:
                msgspec.convert(section, BackendConfig)
            except msgspec.ValidationError as fault:
                raise MistypedError(("backends", name), fault) from error
        raise MistypedError((), error) from error


class MistypedError(Exception):
    """A value of the wrong kind. *path* leads to it."""

    def __init__(self, prefix: Path_, error: msgspec.ValidationError) -> None:
        message, _, where = str(error).partition(" - at `$")
        super().__init__(message)
        parts = where.rstrip("`").replace("[", ".").replace("]", "").split(".")
        self.path = (*prefix, *(int(part) if part.isdigit() else part for part in parts if part))


def _line(lines: Mapping[Path_, int], path: Path_) -> int:
    """The line of *path*, or of the nearest part of it that is there."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _faults(config: Config) -> Iterator[tuple[Path_, str]]:
    for name, backend in config.backends.items():
        yield from _backend_faults(name, backend)
    seen: set[str] = set()
    for index, route in enumerate(config.routes):
        yield from _route_faults(index, route, config)
        if route.model in seen:
            yield ("routes", index, "model"), f"{route.model!r} has a route already; keep one"
        seen.add(route.model)


def _backend_faults(name: str, backend: BackendConfig) -> Iterator[tuple[Path_, str]]:
    where: Path_ = ("backends", name)
    if backend.type not in ADAPTERS:
        yield (*where, "type"), f"got type {backend.type!r}; accepted: {', '.join(ADAPTERS)}"
        return
    if fault := _url_fault(backend.url):
        yield (*where, "url"), f"got {backend.url!r}, {fault}; accepted: http://host:port or https://host"
    if backend.health and not backend.health.startswith("/"):
        yield (*where, "health"), f"got {backend.health!r}; accepted: a path that begins with /, or nothing"
    if backend.concurrency < 1 or backend.queue < 0:
        yield where, "concurrency is at least 1, and queue at least 0"
    if backend.sleep_idle_s < 0 or (backend.sleep_idle_s and backend.adapter.lifecycle != "sleep"):
        yield (*where, "sleep_idle_s"), f"got {backend.sleep_idle_s:g}; accepted: 0, or seconds for a vllm"
    for task in set(backend.tasks) - set(_possible(backend.adapter)):
        yield (*where, "tasks"), f"a {backend.type} cannot do {task!r}; it can: {', '.join(_possible(backend.adapter))}"


def _possible(adapter: Adapter) -> tuple[Task, ...]:
    return Adapter(paths=adapter.paths).tasks


def _route_faults(index: int, route: RouteConfig, config: Config) -> Iterator[tuple[Path_, str]]:
    where: Path_ = ("routes", index)
    if not route.targets:
        yield where, f"{route.model!r} has no targets; name at least one backend"
    names = [target.backend for target in route.targets]
    for number, name in enumerate(names):
        here = (*where, "targets", number, "backend")
        if name not in config.backends:
            yield here, f"got backend {name!r}; accepted: one of {', '.join(config.backends)}"
        elif name in names[:number]:
            yield here, f"{route.model!r} names {name!r} twice; each backend is tried once"


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = cast("Any", parts.port)  # raises for a number that is no port
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "which is no address"
    if parts.query or parts.fragment or parts.username or port == 0:
        return "which has more than host, port and path"
    return None
