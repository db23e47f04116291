"""The fields of a profile, as data: the page that edits them, the check of what it sends, and the chat all read it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from synapse_gateway.errors import BadRequestError

Kind = Literal["string", "number", "integer", "enum"]
Value = str | float | int


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field. *default* is shown and never sent; *families* are those that have it, all if empty."""

    name: str
    label: str
    type: Kind
    default: Value
    applies_at: Literal["generation", "load"] = "generation"
    description: str
    min: float | None = None
    max: float | None = None
    step: float | None = None
    choices: tuple[str, ...] | None = None
    families: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """As the schema tells it; what a type does not have is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None and name != "families"}


RUNTIME = "runtime_ctx_size"
FIELDS = (
    Field(
        name="system_prompt",
        label="System prompt",
        type="string",
        default="",
        description="Put first where a conversation has no system message of its own.",
    ),
    Field(
        name="temperature",
        label="Temperature",
        type="number",
        default=1.0,
        min=0,
        max=2,
        step=0.01,
        description="How freely the next token is drawn; 0 always takes the likeliest.",
    ),
    Field(
        name="top_p",
        label="Top p",
        type="number",
        default=0.95,
        min=0,
        max=1,
        step=0.01,
        description="Draw from the likeliest tokens that together have this probability.",
    ),
    Field(
        name="top_k",
        label="Top k",
        type="integer",
        default=40,
        min=1,
        max=1000,
        step=1,
        description="Draw from this many of the likeliest tokens.",
    ),
    Field(
        name="min_p",
        label="Min p",
        type="number",
        default=0.01,
        min=0,
        max=1,
        step=0.01,
        description="Leave out tokens less likely than this share of the likeliest one.",
    ),
    Field(
        name="repeat_penalty",
        label="Repeat penalty",
        type="number",
        default=1.0,
        min=0,
        max=3,
        step=0.01,
        description="Above 1, tokens that were there already become less likely.",
    ),
    Field(
        name="max_tokens",
        label="Longest answer",
        type="integer",
        default=16384,
        min=1,
        max=32768,
        step=1,
        description="Tokens after which an answer is cut off.",
    ),
    Field(
        name=RUNTIME,
        label="Context size",
        type="integer",
        default=16384,
        min=512,
        max=131072,
        step=1,
        applies_at="load",
        description="Tokens of context. It is the router's: another size restarts it, with all its models.",
    ),
    Field(
        name="reasoning_effort",
        label="Reasoning effort",
        type="enum",
        default="high",
        choices=("low", "medium", "high"),
        families=("gpt-oss",),
        description="How long the model thinks before it answers; written into the system message.",
    ),
)
NOTES: Mapping[str, tuple[str, ...]] = {
    "gpt-oss": ("Its reasoning effort is a line of the system message.",),
    "glm-4.7-flash": ("A repeat penalty above 1 disturbs its answers.",),
    "qwen": ("It repeats itself at temperature 0; 0.6 to 0.7 is its makers' advice.",),
    "generic": (),
}


def family(model: str) -> str:
    """The family that *model* belongs to by its name."""
    name = model.lower()
    if name.startswith("gpt-oss-"):
        return "gpt-oss"
    return next((known for known in ("glm-4.7-flash", "qwen") if known in name), "generic")


def fields(model: str) -> Iterator[Field]:
    """The fields that a profile of *model* has."""
    return (found for found in FIELDS if not found.families or family(model) in found.families)


def checked(model: str, values: Mapping[str, Any]) -> dict[str, Value | None]:
    """*values* as they are stored; None takes a field away. Raises BadRequestError for the first that cannot be."""
    known = {found.name: found for found in fields(model)}
    if strangers := [name for name in values if name not in known]:
        raise BadRequestError(
            f"a profile of {model} has no field {strangers[0]!r}; it has: {', '.join(known)}",
            code="unknown_field",
            param=strangers[0],
        )
    return {name: None if value is None else _value(known[name], value) for name, value in values.items()}


def _value(found: Field, value: Any) -> Value:  # noqa: ANN401 - JSON holds anything
    if found.type in {"number", "integer"}:
        return _number(found, value)
    if not isinstance(value, str) or (found.choices and value not in found.choices):
        accepted = " or ".join(found.choices) if found.choices else "a string"
        raise BadRequestError(f"{found.name} is {accepted}", code="invalid_value", param=found.name)
    return value


def _number(found: Field, value: Any) -> Value:  # noqa: ANN401
    is_whole = found.type == "integer"
    if isinstance(value, bool) or not isinstance(value, int | float) or (is_whole and value != value // 1):
        accepted = "a whole number" if is_whole else "a number"
        raise BadRequestError(f"{found.name} is {accepted}", code="invalid_value", param=found.name)
    if not (found.min or 0) <= value <= (found.max or 0):
        raise BadRequestError(
            f"{found.name} is between {found.min:g} and {found.max:g}", code="out_of_range", param=found.name
        )
    return int(value) if is_whole else value
