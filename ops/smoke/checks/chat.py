"""Checks of chat: English on a topic, facts, JSON by a schema, and a tool call."""

import json
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict

from ops.errors import WrongAnswerError
from ops.gateway.client import parse
from ops.gateway.responses import ChatChunk, Message
from ops.smoke import chat_client
from ops.smoke.bounds import at_least
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.english import excerpt, on_topic
from ops.smoke.scope import adapters
from ops.smoke.traits import calls_tools

RAIN: Final = "Explain in one sentence what rain is."
RAIN_TOPIC: Final = ("water", "cloud", "clouds", "drops", "droplets", "sky", "precipitation", "moisture")
LIBRARY: Final = "What is a library? Answer in one sentence."
LIBRARY_TOPIC: Final = ("book", "books", "read", "reading", "borrow", "literature", "information", "access")
FACTS: Final = (
    ("What is the capital of France?", ("London", "Paris", "Berlin", "Madrid"), "Paris"),
    ("What is the capital of Italy?", ("Rome", "Paris", "Oslo", "Tokyo"), "Rome"),
    ("What colour is grass?", ("red", "blue", "green", "black"), "green"),
    ("Which animal barks?", ("cat", "fish", "cow", "dog"), "dog"),
    ("Which of these do people read?", ("bread", "book", "stone", "water"), "book"),
    ("On which planet do people live?", ("Mars", "Earth", "Venus", "Jupiter"), "Earth"),
)
"""Question, choices, right one. Each place has a right one, so that no constant choice is right more than twice.

Choices and not yes or no: the smallest model of a shipped stack answers no to every question.
"""
MIN_RIGHT: Final = 5
PERSON: Final = "Anna is 34 years old and lives in Oslo. Write her name, age and city as JSON."
NO_TOOLS: Final = "does not support tools"
"""Ollama's refusal of tools for a model whose template has none."""
EXAMPLES: Final = ("Rome", "Berlin", "Madrid")
"""Cities of earlier questions: a model of 135M parameters calls a tool after three examples."""


class _Person(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    age: int
    city: str


class _City(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    city: str


class _Choice(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    answer: str


TOOL: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Return the current weather of a city.",
        "parameters": _City.model_json_schema(),
    },
}


def chat(context: CheckContext) -> Figures:
    """Check a response in one piece: English on the topic, and a count of tokens."""
    response = chat_client.response(context, RAIN)
    if not response.usage.completion_tokens:
        raise WrongAnswerError(f"0 tokens, with the text {excerpt(response.message.answer)!r}")
    return {**on_topic(response.message.answer, RAIN_TOPIC), "tokens": response.usage.completion_tokens}


def streamed(context: CheckContext) -> Figures:
    """Check a streamed response in the same way, and measure the time to its first token."""
    body = chat_client.body(context, LIBRARY, stream=True, stream_options={"include_usage": True})
    # An error that ends a stream comes as an event too, which is no ChatChunk.
    events = context.client.events(chat_client.CHAT, body)
    chunks = [(event.at_s, parse(ChatChunk, event.data)) for event in events]
    times = [at_s for at_s, chunk in chunks for choice in chunk.choices if choice.delta.text]
    counts = [chunk.usage.completion_tokens for _, chunk in chunks if chunk.usage]
    if not times or not counts:
        raise WrongAnswerError(f"{len(chunks)} events, {len(times)} of them with text, {len(counts)} with usage")
    text = "".join(choice.delta.content or "" for _, chunk in chunks for choice in chunk.choices)
    figures = on_topic(Message(content=text).answer, LIBRARY_TOPIC)
    return {"first_token_ms": round(times[0] * 1000), **figures, "tokens": counts[-1], "parts": len(times)}


def facts(context: CheckContext) -> Figures:
    """Ask questions with one right choice each: at least MIN_RIGHT answers must be right."""
    answers = [_choice(context, question, choices) for question, choices, _ in FACTS]
    pairs = [(question, answer, right) for (question, _, right), answer in zip(FACTS, answers, strict=True)]
    wrong = [f"{question} {answer}" for question, answer, right in pairs if answer != right]
    reason = ", ".join(wrong) or "every answer is right"
    return {"asked": len(FACTS), **at_least("right", len(FACTS) - len(wrong), MIN_RIGHT, reason)}


def _choice(context: CheckContext, question: str, choices: tuple[str, ...]) -> str:
    """Return the answer to *question*. Raises WrongAnswerError for one that is none of *choices*."""
    schema = _Choice.model_json_schema()
    schema["properties"]["answer"]["enum"] = list(choices)
    answer = chat_client.structured(context, question, _Choice, schema).answer
    if answer not in choices:
        raise WrongAnswerError(f"{question} {excerpt(answer)!r}, which is none of {', '.join(choices)}")
    return answer


def json_by_schema(context: CheckContext) -> Figures:
    """Ask for a JSON object by a schema: its fields must be those of the text."""
    person = chat_client.structured(context, PERSON, _Person)
    if person != _Person(name="Anna", age=34, city="Oslo"):
        raise WrongAnswerError(f"{person!r}, for the text {PERSON!r}")
    return {"fields": len(_Person.model_fields), **person.model_dump()}


def tool_call(context: CheckContext) -> Figures:
    """Ask a question that a tool answers: the model must call it, with arguments by its schema.

    An Ollama knows which of its models have no tools, and refuses the question for them.
    """
    messages = [*(message for city in EXAMPLES for message in _example(city)), _question("Paris")]
    try:
        message = chat_client.response(context, "", messages=messages, tools=[TOOL], tool_choice="required").message
    except WrongAnswerError as error:
        if NO_TOOLS in str(error) and "ollama" in adapters(context.plan, context.model):
            return {"called": "nothing: the model has no tools"}
        raise
    if not message.tool_calls:
        raise WrongAnswerError(f"no tool call; the answer: {excerpt(message.text)!r}")
    call = message.tool_calls[0].function
    arguments = parse(_City, call.arguments)
    if call.name != "get_weather" or "paris" not in arguments.city.lower():
        raise WrongAnswerError(f"{call.name}({arguments.city!r}); get_weather('Paris') expected")
    return {"called": call.name, "city": arguments.city}


def _question(city: str) -> dict[str, object]:
    return {"role": "user", "content": f"What is the weather in {city}?"}


def _example(city: str) -> Iterator[dict[str, object]]:
    """Yield the question, the call of the tool and its result."""
    function = {"name": "get_weather", "arguments": json.dumps({"city": city})}
    call = {"id": f"call-{city}", "type": "function", "function": function}
    yield _question(city)
    yield {"role": "assistant", "content": "", "tool_calls": [call]}
    yield {"role": "tool", "tool_call_id": call["id"], "content": "sunny, 21 degrees"}


CHECKS = (
    SmokeCheck(name="chat", run=chat, needs=("chat",), each="chat"),
    SmokeCheck(name="chat streamed", run=streamed, needs=("chat",), each="chat"),
    SmokeCheck(name="chat facts", run=facts, needs=("chat",), each="chat"),
    SmokeCheck(name="chat JSON", run=json_by_schema, needs=("chat",), each="chat"),
    SmokeCheck(
        name="tool call",
        run=tool_call,
        needs=("chat",),
        each="chat",
        suits=calls_tools,
        suited="chat model that calls tools",
    ),
)
