"""Redaction of secrets in feed messages."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_gateway.observe.feed.redaction import CUT, HIDDEN, MAX_CHARS, Redactor

clean = Redactor().clean


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary",
        "authorization: Basic canary==",
        'Authorization: Digest username="u", response="canary"',
        "{'authorization': 'Bearer canary', 'host': 'x'}",
        '{"Proxy-Authorization": "canary"}',
        '{\\"authorization\\": \\"Bearer canary\\"}',
        "[(b'authorization', b'Basic canary')]",
        "got bearer canary from a client",
        "Bearer: canary",
        "api_key=canary",
        "api-key: canary",
        "Api Key = 'canary with spaces'",
        "SYNAPSE_API_KEYS=canary",
        "api_keys: ['canary', 'canary']",
        "x-api-key: canary",
        "access_token=canary&x=1",
        "hf_token: canary",
        'token="canary canary"',
        "client_secret=canary",
        "secret_key: canary",
        "password=canary",
        "PASSWD: canary",
        "password: bearer canary",
        "Cookie: a=canary; b=canary",
        "set-cookie: id=canary; HttpOnly",
        "redis://user:canary@host:6379/0",
        "redis://:canary@host",
        'password: "canary',
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    assert "canary" not in clean(text)
    assert HIDDEN in clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "POST /v1/chat/completions 200 12 ms",
        "max_tokens=512, prompt tokens: 12",
        "loading the tokenizer: done",
        "cannot publish to Redis: ConnectionError; trying again",
        "a key: value pair",
    ],
)
def test_text_without_a_secret_is_kept(text: str) -> None:
    assert clean(text) == text


def test_text_beside_a_secret_is_kept() -> None:
    assert clean("user=ann token=abc, status=200") == f"user=ann token={HIDDEN}, status=200"
    assert clean("Cookie: a=b\nGET /x") == rf"Cookie: {HIDDEN} \n GET /x"


def test_patterns_of_the_operator_are_redacted() -> None:
    redactor = Redactor([re.compile(r"sk-\w+"), re.compile(r"\b\d{3}-\d{2}\b")])
    assert redactor.clean("sk-abc and 123-45") == f"{HIDDEN} and {HIDDEN}"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_a_line_break_becomes_text(end: str) -> None:
    assert clean(f"one{end}two") == r"one \n two"


def test_control_and_unprintable_characters_are_replaced() -> None:
    assert clean("\x1b[31mred\ud800") == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"


def test_a_message_is_cut_to_its_limit() -> None:
    redactor = Redactor(line_chars=256)
    assert redactor.clean("x" * 256) == "x" * 256
    cut = redactor.clean("x" * 257)
    assert len(cut) == 256
    assert cut == "x" * (256 - len(CUT)) + CUT


def test_a_secret_at_the_cut_is_not_shown() -> None:
    redactor = Redactor([re.compile("canary-[0-9]{8}")], line_chars=10 * MAX_CHARS)
    clean = redactor.clean("x" * (MAX_CHARS - 10) + "canary-12345678")
    assert "canary" not in clean
    assert clean.endswith(CUT)


@pytest.mark.parametrize("piece", ["token", "://a:", "cookie\\\\\\", "api key ", '"', "bearer ", "password  ", "[a, "])
def test_redaction_is_fast_for_hostile_text(piece: str) -> None:
    text = piece * (2 * MAX_CHARS // len(piece))
    began = process_time()
    clean(text)
    assert process_time() - began < 0.5


@given(st.text())
def test_every_result_is_one_printable_line(text: str) -> None:
    clean = Redactor(line_chars=256).clean(text)
    assert len(clean) <= 256
    assert len(clean.splitlines()) <= 1
    clean.encode()
