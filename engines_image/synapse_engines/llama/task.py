"""What a model is to do for one request."""

import json
from dataclasses import dataclass

from llama_cpp.llama_grammar import LlamaGrammar

from synapse_engines.errors import BadInputError
from synapse_engines.llama.requests import Sampling


@dataclass(frozen=True)
class Task:
    """Go on after the tokens of *prompt*, as *asked*, and by the rules of *grammar* where there is one."""

    prompt: list[int]
    asked: Sampling
    grammar: LlamaGrammar | None


def task(prompt: list[int], asked: Sampling) -> Task:
    """Raises BadInputError for a schema that is none."""
    schema = asked.response_format.wanted if asked.response_format is not None else None
    if schema is None:
        return Task(prompt, asked, None)
    try:
        return Task(prompt, asked, LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False))
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError) as error:
        raise BadInputError(f"response_format: the schema cannot be used: {error}") from error
