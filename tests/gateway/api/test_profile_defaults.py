"""Profile defaults of a chat: only fields that the client did not send."""

import json
from typing import Any

import pytest

from synapse_gateway.api.models.profile_defaults import with_defaults

USER = {"role": "user", "content": "Hi"}


def completed(body: dict[str, Any], **values: Any) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(with_defaults(json.dumps({"messages": [USER], **body}).encode(), values, None))
    return message


def contents(body: dict[str, Any]) -> list[Any]:
    return [message["content"] for message in body["messages"]]


def test_missing_numbers_are_filled_in() -> None:
    values = {"temperature": 0.5, "top_p": 0.9, "top_k": 7, "min_p": 0.1, "repeat_penalty": 1.1, "max_tokens": 10}
    assert completed({}, **values) == {"messages": [USER], **values}
    assert completed({"temperature": 1, "top_k": None}, **values) == {
        **values,
        "messages": [USER],
        "temperature": 1,
        "top_k": None,
    }


def test_fields_of_loading_are_not_sent() -> None:
    assert completed({}, runtime_ctx_size=4096) == {"messages": [USER]}


def test_an_alias_of_a_field_counts() -> None:
    assert completed({"max_completion_tokens": 5}, max_tokens=10) == {"messages": [USER], "max_completion_tokens": 5}


def test_other_fields_keep_their_bytes() -> None:
    data = b'{"messages":[{"role":"user","content":"x","n":1.0}],"model":"m","seed":12345678901234567890,"x":1e2}'
    shown = with_defaults(data, {"top_k": 7}, "own")
    assert json.loads(shown)["model"] == "own"
    for part in (b'{"role":"user","content":"x","n":1.0}', b'"seed":12345678901234567890', b'"x":1e2', b'"top_k":7'):
        assert part in shown


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_prompt_is_inserted_unless_the_conversation_has_one(role: str) -> None:
    assert contents(completed({}, system_prompt="Be brief.")) == ["Be brief.", "Hi"]
    own = {"messages": [USER, {"role": role, "content": "Be long."}]}
    assert contents(completed(own, system_prompt="Be brief.")) == ["Hi", "Be long."]


def test_the_reasoning_effort_is_added_to_the_system_message() -> None:
    assert contents(completed({}, reasoning_effort="low")) == ["Reasoning: low", "Hi"]
    assert contents(completed({}, reasoning_effort="low", system_prompt="Be brief."))[0] == "Be brief.\nReasoning: low"
    own = {"messages": [{"role": "system", "content": "Be long.", "name": "x"}, USER]}
    message = completed(own, reasoning_effort="low")["messages"][0]
    assert message == {"role": "system", "content": "Be long.\nReasoning: low", "name": "x"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Be long.\nReasoning: high\nPlease.", "Be long.\nReasoning: high\nPlease."),
        ("Reasoning: is good for you", "Reasoning: is good for you\nReasoning: low"),
        ("", "Reasoning: low"),
        (None, "Reasoning: low"),
        ([{"type": "text", "text": "Reasoning: high"}], [{"type": "text", "text": "Reasoning: high"}]),
        ([{"type": "x"}], [{"type": "x"}, {"type": "text", "text": "Reasoning: low"}]),
        (7, 7),
    ],
)
def test_an_existing_effort_line_is_kept(content: Any, expected: Any) -> None:
    assert contents(completed({"messages": [{"role": "system", "content": content}]}, reasoning_effort="low")) == [
        expected
    ]


def test_an_effort_of_the_client_takes_precedence() -> None:
    assert contents(completed({"reasoning_effort": "high"}, reasoning_effort="low")) == ["Hi"]


def test_a_malformed_message_is_passed_on() -> None:
    assert completed({"messages": [3, {"role": 4}]}, system_prompt="x")["messages"][1:] == [3, {"role": 4}]
