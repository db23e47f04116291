"""Fields of a profile, as data, for the page that edits them, the validation of its input, and the chat defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from synapse_gateway.errors import BadRequestError

Kind = Literal["string", "number", "integer", "enum"]
Value = str | float | int


@dataclass(frozen=True, kw_only=True)
class ProfileField:
    """One field. *default* is shown and never sent; *families*: model families that have it, empty for all."""

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

    def as_schema(self) -> dict[str, Any]:
        """Return the field for the schema endpoint, without attributes that its type does not have."""
        return {name: value for name, value in asdict(self).items() if value is not None and name != "families"}


CONTEXT_SIZE = "runtime_ctx_size"
FIELDS = (
    ProfileField(
        name="system_prompt",
        label="System prompt",
        type="string",
        default="",
        description="System message of conversations that have none.",
    ),
    ProfileField(
        name="temperature",
        label="Temperature",
        type="number",
        default=1.0,
        min=0,
        max=2,
        step=0.01,
        description="Randomness of the next token; 0 always takes the most likely one.",
    ),
    ProfileField(
        name="top_p",
        label="Top p",
        type="number",
        default=0.95,
        min=0,
        max=1,
        step=0.01,
        description="Sample from the most likely tokens that together have this probability.",
    ),
    ProfileField(
        name="top_k",
        label="Top k",
        type="integer",
        default=40,
        min=1,
        max=1000,
        step=1,
        description="Sample from this many of the most likely tokens.",
    ),
    ProfileField(
        name="min_p",
        label="Min p",
        type="number",
        default=0.01,
        min=0,
        max=1,
        step=0.01,
        description="Leave out tokens less likely than this share of the most likely one.",
    ),
    ProfileField(
        name="repeat_penalty",
        label="Repeat penalty",
        type="number",
        default=1.0,
        min=0,
        max=3,
        step=0.01,
        description="Above 1, repeated tokens become less likely.",
    ),
    ProfileField(
        name="max_tokens",
        label="Maximum tokens",
        type="integer",
        default=16384,
        min=1,
        max=32768,
        step=1,
        description="Tokens after which an answer is cut off.",
    ),
    ProfileField(
        name=CONTEXT_SIZE,
        label="Context size",
        type="integer",
        default=16384,
        min=512,
        max=131072,
        step=1,
        applies_at="load",
        description="Context size in tokens, of the whole router: a change restarts it with all its models.",
    ),
    ProfileField(
        name="reasoning_effort",
        label="Reasoning effort",
        type="enum",
        default="high",
        choices=("low", "medium", "high"),
        families=("gpt-oss",),
        description="Length of the reasoning before the answer; written into the system message.",
    ),
)
NOTES: Mapping[str, tuple[str, ...]] = {
    "gpt-oss": ("Reasoning effort is a line of the system message.",),
    "glm-4.7-flash": ("A repeat penalty above 1 degrades the answers.",),
    "qwen": ("Temperature 0 causes repetition; its makers recommend 0.6 to 0.7.",),
    "generic": (),
}


def family(model: str) -> str:
    """Return the family of *model*, by its name."""
    name = model.lower()
    if name.startswith("gpt-oss-"):
        return "gpt-oss"
    return next((part for part in ("glm-4.7-flash", "qwen") if part in name), "generic")


def fields(model: str) -> Iterator[ProfileField]:
    """Return the fields of a profile of *model*."""
    return (field for field in FIELDS if not field.families or family(model) in field.families)


def validated(model: str, values: Mapping[str, Any]) -> dict[str, Value | None]:
    """Return *values* as they are stored; None removes a field. Raises BadRequestError for the first bad one."""
    accepted = {field.name: field for field in fields(model)}
    if unknown := [name for name in values if name not in accepted]:
        raise BadRequestError(
            f"a profile of {model} has no field {unknown[0]!r}; accepted: {', '.join(accepted)}",
            code="unknown_field",
            param=unknown[0],
        )
    return {name: None if value is None else _value(accepted[name], value) for name, value in values.items()}


def _value(field: ProfileField, value: Any) -> Value:  # noqa: ANN401 - any JSON value
    if field.type in {"number", "integer"}:
        return _number(field, value)
    if not isinstance(value, str) or (field.choices and value not in field.choices):
        accepted = " or ".join(field.choices) if field.choices else "a string"
        raise BadRequestError(f"{field.name} is {accepted}", code="invalid_value", param=field.name)
    return value


def _number(field: ProfileField, value: Any) -> Value:  # noqa: ANN401
    is_whole = field.type == "integer"
    if isinstance(value, bool) or not isinstance(value, int | float) or (is_whole and value != value // 1):
        accepted = "a whole number" if is_whole else "a number"
        raise BadRequestError(f"{field.name} is {accepted}", code="invalid_value", param=field.name)
    if not (field.min or 0) <= value <= (field.max or 0):
        raise BadRequestError(
            f"{field.name} is between {field.min:g} and {field.max:g}", code="out_of_range", param=field.name
        )
    return int(value) if is_whole else value
