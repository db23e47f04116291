"""Speculative decoding in a stack file."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import Field

from infra.settings.schema import Section
from infra.sizing.specs.model_spec import ModelSpec

WITH_MODEL: Final = frozenset({"draft_model", "eagle3"})
"""Methods that draft with another model."""


class SpeculativeSection(Section):
    """Speculative decoding: a cheap part drafts tokens, which the model accepts or corrects in one step."""

    method: Literal["mtp", "ngram", "draft_model", "eagle3"]
    """`mtp`: a head of the model itself; `ngram`: words of the prompt; the others: another model."""
    tokens: int = Field(default=3, ge=1, le=16)
    """Tokens that are drafted at a time."""
    model: str | None = None
    """Model that drafts, for `draft_model` and `eagle3`; it needs a model spec."""

    def config(self) -> dict[str, Any]:
        """Return it as engines take it."""
        values = {"method": self.method, "num_speculative_tokens": self.tokens}
        lookup = {"prompt_lookup_max": 4} if self.method == "ngram" else {}
        return values | lookup | ({"model": self.model} if self.model else {})

    def errors(self, model_spec: ModelSpec, model_specs: Mapping[str, ModelSpec]) -> Iterator[str]:
        """Yield `speculative...: got ...; accepted: ...` where a model cannot draft in this way."""
        if self.method == "mtp" and not model_spec.draft_layers:
            yield "speculative.method: got 'mtp', and the model has no head that drafts; accepted: another method"
        if self.method in WITH_MODEL and self.model not in model_specs:
            got = f"got {self.model!r}, which has no model spec" if self.model else "missing"
            yield f"speculative.model: {got}; accepted: a model of the catalog, or one under models, that drafts"
        if self.method not in WITH_MODEL and self.model:
            yield f"speculative.model: got {self.model!r}; accepted: left out with method: {self.method}"
