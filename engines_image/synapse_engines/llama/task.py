"""Generation task of a request."""

import json
from dataclasses import dataclass

from llama_cpp.llama_grammar import LlamaGrammar

from synapse_engines.errors import BadInputError
from synapse_engines.llama.requests import GenerationRequest


@dataclass(frozen=True)
class GenerationTask:
    """Tokens of the prompt, the request with its options, and an optional grammar of the response."""

    prompt: list[int]
    body: GenerationRequest
    grammar: LlamaGrammar | None


def build_task(prompt: list[int], body: GenerationRequest) -> GenerationTask:
    """Return the task. Raises BadInputError for an invalid JSON schema."""
    schema = body.response_format.required_schema if body.response_format is not None else None
    if schema is None:
        return GenerationTask(prompt, body, None)
    try:
        return GenerationTask(prompt, body, LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False))
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError) as error:
        raise BadInputError(f"response_format: invalid schema: {error}") from error
