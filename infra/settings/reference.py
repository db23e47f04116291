"""docs/settings.md, rendered from the models: every key, its default and its meaning."""

from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from infra.catalog.kinds import CATALOG
from infra.quantities import memory_text
from infra.settings.build_host import BuildHost
from infra.settings.consumers import Consumer, MigrationSection, OwnServer, VerificationSection
from infra.settings.field_docs import field_docs
from infra.settings.language_services import OllamaModel
from infra.settings.model import SECRETS, Node, StackFile
from infra.settings.model_specs import LayerGroupSection, ModelSpecSection
from infra.settings.names import PREFIX
from infra.settings.quantity_types import Bytes
from infra.settings.schema import (
    CpuRange,
    GpuSection,
    IngressSection,
    MemoryRange,
    MonitoringSection,
    RateLimit,
    TargetSection,
)
from infra.settings.services import Service
from infra.settings.speculative import SpeculativeSection
from infra.sizing.ledger import markdown

COLUMNS = ("Key", "Default", "Meaning")
SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    (f"{PREFIX}<key>", StackFile),
    (f"{PREFIX}node", Node),
    (f"{PREFIX}node.gpus[]", GpuSection),
    (f"{PREFIX}buildHost", BuildHost),
    (f"{PREFIX}services.<name>", Service),
    (f"{PREFIX}services.<name>.memory", MemoryRange),
    (f"{PREFIX}services.<name>.cpu", CpuRange),
    (f"{PREFIX}routes.<model>[]", TargetSection),
    (f"{PREFIX}models.<name>", ModelSpecSection),
    (f"{PREFIX}models.<name>.groups[]", LayerGroupSection),
    (f"{PREFIX}services.<name>.models[] of kind ollama and llama-router", OllamaModel),
    (f"{PREFIX}services.<name>.speculative of kind vllm and sglang", SpeculativeSection),
    (f"{PREFIX}consumers.<name>", Consumer),
    (f"{PREFIX}consumers.<name>.migration", MigrationSection),
    (f"{PREFIX}consumers.<name>.migration.verify", VerificationSection),
    (f"{PREFIX}consumers.<name>.migration.own", OwnServer),
    (f"{PREFIX}ingress", IngressSection),
    (f"{PREFIX}ingress.rateLimit", RateLimit),
    (f"{PREFIX}monitoring", MonitoringSection),
)
HEAD = """# Settings

All keys of a stack file `Pulumi.<stack>.yaml`. Memory is written with its unit (`48Gi`), cores as a number or in
thousandths (`4`, `500m`). An unknown key, or a value that is not accepted, is an error before anything is deployed.

This file is rendered from the code: `synapse settings > docs/settings.md`.
"""


def render() -> str:
    """Return the whole document."""
    options = {kind: backend.options for kind, backend in CATALOG.items() if backend.options is not Service}
    kinds = ((f"{PREFIX}services.<name> of kind {kind}", model) for kind, model in options.items())
    sections = [_section(title, model, Service) for title, model in kinds]
    secrets = "".join(f"- `{PREFIX}{key}`\n" for key in sorted(SECRETS))
    note = (
        "Set with `synapse secret set KEY` for the bundled engine, or with `pulumi config set --secret` for Pulumi's "
        "own; plain text is refused. All are optional."
    )
    return "\n".join(
        [
            HEAD,
            *(_section(title, model) for title, model in SECTIONS),
            *sections,
            f"## Secrets\n\n{note}\n\n{secrets}",
        ]
    )


def _section(title: str, model: type[BaseModel], less: type[BaseModel] | None = None) -> str:
    inherited = less.model_fields if less else {}
    docs = field_docs(model)
    rows = [
        (f"`{field.alias}`", _default(field), docs.get(name, ""))
        for name, field in model.model_fields.items()
        if name not in inherited
    ]
    doc = (model.__doc__ or "").splitlines()[0]
    keys = markdown(COLUMNS, rows) if rows else "No keys beside those of any service.\n"
    return f"## `{title}`\n\n{keys}" if model is less else f"## `{title}`\n\n{doc}\n\n{keys}"


def _default(field: FieldInfo) -> str:
    default: Any = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return "required"
    if default in (None, {}, ()):
        return ""
    if isinstance(default, BaseModel):
        return "defaults of its keys"
    return f"`{_written(field, default)}`"


def _written(field: FieldInfo, value: Any) -> str:  # noqa: ANN401 - defaults are of many types
    if isinstance(value, bool):
        return str(value).lower()
    return memory_text(value) if _is_bytes(field) else str(value)


def _is_bytes(field: FieldInfo) -> bool:
    reader = get_args(Bytes)[1]
    return reader in field.metadata
