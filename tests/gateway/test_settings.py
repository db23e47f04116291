"""Settings: conversion of environment variables, and the messages for invalid ones."""

from pathlib import Path

import pytest

from synapse_gateway.environment import SettingError
from synapse_gateway.settings import CODER_WORDS, load


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = load({})
    assert settings.timeouts["llm"] == 300
    assert settings.profiles == Path("/data/voices/model-profiles.json")
    assert settings.coder_words == CODER_WORDS
    assert (settings.feed.is_live, settings.dashboard.token, settings.router.api) == (False, None, None)


def test_empty_variables_count_as_unset() -> None:
    assert load({"SYNAPSE_LOG_LEVEL": "", "SYNAPSE_AUTO_CODER_WORDS": " , "}) == load({})


def test_lists_are_split_and_words_are_accepted_in_any_case() -> None:
    settings = load(
        {
            "SYNAPSE_API_KEYS": "a, b,",
            "SYNAPSE_LOG_LEVEL": "debug",
            "SYNAPSE_TERMINAL_FEED_MODE": "LIVE",
            "SYNAPSE_TERMINAL_FEED_REDACT_EXTRA_PATTERNS": "x||y,z",
            "SYNAPSE_DASHBOARD_COOKIE_SECURE": "True",
        }
    )
    assert (settings.api_keys, settings.log_level, settings.feed.is_live) == (("a", "b"), "DEBUG", True)
    assert [pattern.pattern for pattern in settings.feed.extra_patterns] == ["x", "y,z"]
    assert settings.dashboard.is_cookie_secure


def test_defaults_follow_other_variables() -> None:
    settings = load({"SYNAPSE_VOICE_LIBRARY_DIR": "/v", "HOSTNAME": "pod-1"})
    assert (settings.profiles, settings.instance) == (Path("/v/model-profiles.json"), "pod-1")


def test_small_values_of_the_feed_are_raised() -> None:
    feed = load({"SYNAPSE_TERMINAL_FEED_BUFFER_SIZE": "0", "SYNAPSE_TERMINAL_FEED_KEEPALIVE_SECONDS": "1"}).feed
    assert (feed.buffer_size, feed.keepalive_s) == (10, 5)


def test_the_address_of_redis_is_used_in_bus_mode_redis_only() -> None:
    url = {"SYNAPSE_TERMINAL_FEED_REDIS_URL": "redis://host"}
    assert load(url).feed.redis_url is None
    assert load({**url, "SYNAPSE_TERMINAL_FEED_BUS_MODE": "redis"}).feed.redis_url == "redis://host"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TIMEOUT_LLM_SECONDS", "soon", "got 'soon'; accepted: a number of at least 0.1"),
        ("TIMEOUT_LLM_SECONDS", "0", "got '0'; accepted: a number of at least 0.1"),
        ("DRAIN_SECONDS", "inf", "got 'inf'; accepted: a number of at least 0"),
        ("DRAIN_SECONDS", "nan", "got 'nan'; accepted: a number of at least 0"),
        ("MAX_SPOOL_BYTES", "1", "got '1'; accepted: a whole number of at least 1048576"),
        ("TERMINAL_FEED_BUS_MODE", "nats", "got 'nats'; accepted: local, redis"),
        ("DASHBOARD_COOKIE_SECURE", "maybe", "got 'maybe'; accepted: true, false"),
    ],
)
def test_an_invalid_value_is_named_with_the_accepted_ones(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingError) as error:
        load({f"SYNAPSE_{name}": value})
    assert str(error.value) == f"SYNAPSE_{name}: {message}"
