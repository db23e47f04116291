"""Adding of a model to a stack file: options that fit beside everything else, and the edits that bring it in."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infra.catalog import cards
from infra.errors import SettingsError
from infra.plan.engine_choice import LONGEST, Choice, Request, choose
from infra.plan.gpu_room import room
from infra.plan.model_fit import card_gpu
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan, plan
from infra.settings.model import Settings
from infra.settings.model_figures import figures
from infra.settings.presets import DEFAULT_PRESET, PRESETS
from ops import stack_file
from ops.models import route_edit, service_edit
from ops.models.model_source import NamedModel, own_specs, resolve
from ops.models.service_edit import Target
from ops.stack_file import Edit, StackText
from ops.stack_secrets import with_secrets


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A model for a stack, with the options that are fixed."""

    stack: str
    model: str
    service: str | None = None
    files: Path | None = None
    card: str | None = None
    context: int | None = None
    sequences: int | None = None


@dataclass(frozen=True, kw_only=True)
class Addition:
    """A model in a stack: the file and the plan before and after it. *choice* is None where no options fit."""

    model: NamedModel
    service: ServicePlan
    replaced: str | None
    request: Request
    choice: Choice | None
    before: StackText
    after: StackText
    plan_before: Plan
    plan_after: Plan

    @property
    def fits(self) -> bool:
        return self.choice is not None and not self.plan_after.ledger.violations()


def prepare(wish: Wish) -> Addition:
    """Return the addition, of which nothing is written yet. Raises SynapseError."""
    before = stack_file.read(wish.stack)
    draft = _draft(wish, before)
    request = _request(wish, draft, _plan(draft.text({"contextTokens": 1, "sequences": 1})))
    choice = choose(request)
    after = draft.text(choice.options if choice else _first_options(request))
    plan_after = _plan(after)
    return Addition(
        model=draft.model,
        service=_placed(plan_after, draft.service.name),
        replaced=draft.service.model if draft.service.model != draft.model.name else None,
        request=request,
        choice=choice,
        before=before,
        after=after,
        plan_before=_plan(before),
        plan_after=plan_after,
    )


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A stack file, and a service of it that gets a model; *kept* are the fields of the service that stay."""

    before: StackText
    settings: Settings
    service: Target
    model: NamedModel
    kept: Mapping[str, Any]

    def text(self, options: Mapping[str, Any]) -> StackText:
        """Return the stack file in which the service has the model with *options*. Raises SettingsError."""
        model = self.model
        own = [] if model.has_spec else [Edit(path=("models", model.name), value=figures(model.spec))]
        of_service = service_edit.edits(self.service, model, self.kept, options)
        return self.before.changed([*of_service, *own, *route_edit.edits(self.settings, self.service, model)])


def _draft(wish: Wish, before: StackText) -> _Draft:
    settings = before.settings()
    model = _engine_model(wish, settings)
    service = service_edit.target(before.services(), settings, wish.service)
    kept = service_edit.kept_fields(service, model)
    return _Draft(before=before, settings=settings, service=service, model=model, kept=kept)


def _engine_model(wish: Wish, settings: Settings) -> NamedModel:
    """Return the model with its spec. Raises ModelFileError, and SettingsError for one of another engine."""
    model = resolve(wish.model, wish.files, own_specs(settings))
    if model.spec.quantization == "gguf":
        raise SettingsError(
            f"{model.name}: a GGUF file, for Ollama or llama.cpp (docs/operating/add-a-model.md); accepted: a model in "
            "safetensors"
        )
    longest = model.spec.context_tokens
    if wish.context and wish.context > longest:
        raise SettingsError(
            f"--context: got {wish.context}; accepted: at most {longest}, the longest context of {model.name}"
        )
    return model


def _plan(text: StackText) -> Plan:
    return plan(with_secrets(text.stack, text.settings(), None))


def _placed(planned: Plan, name: str) -> ServicePlan:
    """Return the plan of the service *name*. Raises SettingsError where its phase is not deployed."""
    match = next((each for each in planned.services if each.name == name), None)
    if match is None:
        phase = planned.settings.phase
        raise SettingsError(f"phase: got {phase}, which deploys no {name}; accepted: 2 or more for a model on a GPU")
    return match


def _request(wish: Wish, draft: _Draft, planned: Plan) -> Request:
    ledger, name = planned.ledger, _placed(planned, draft.service.name).service_name
    sections = planned.settings.node.gpus
    own_card = next((section.card or cards.named(section.name) for section in sections), None)

    @cache
    def free(gpus: int) -> int:
        return room(ledger.lines, ledger.capacity, name, gpus)

    return Request(
        kind=draft.service.options,
        fields=draft.kept,
        name=draft.model.name,
        spec=draft.model.spec,
        entry=draft.model.entry,
        card=card_gpu(wish.card).name if wish.card else own_card,
        gpu_memory=ledger.capacity.smallest_gpu,
        gpus=len(ledger.capacity.gpus),
        room=free,
        context=wish.context,
        sequences=wish.sequences,
    )


def _first_options(request: Request) -> dict[str, Any]:
    """Return the options to show where none fit: those that are fixed, and those of the preset."""
    preset = PRESETS[DEFAULT_PRESET]
    return {
        "contextTokens": request.context or min(LONGEST, request.spec.context_tokens),
        "sequences": request.sequences or preset.sequences,
    }
