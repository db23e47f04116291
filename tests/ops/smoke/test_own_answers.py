"""What the gateway answers by itself, answered wrongly: here it is a table of answers, since the real one is right."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.smoke.checks import CHECKS
from ops.smoke.run import run
from tests.ops.smoke.stage import Stage, planned

PLAN = planned()
VOICE = {"voice_id": "5c0c8ad3"}
METRICS = 'synapse_build_info{version="1.2"} 1\nsynapse_http_requests_total{route="/health"} 3.0\n'


def fault(check: str, answers: Mapping[str, Any]) -> str | None:
    """What *check* says of a gateway that gives *answers*: "METHOD /path" -> JSON, text, or a list of them."""
    left = {question: list(found) if isinstance(found, list) else found for question, found in answers.items()}

    def answer(request: httpx.Request) -> httpx.Response:
        found = left[f"{request.method} {request.url.path}"]
        content = (found.pop(0) if len(found) > 1 else found[0]) if isinstance(found, list) else found
        return httpx.Response(200, text=content) if isinstance(content, str) else httpx.Response(200, json=content)

    wanted = [found for found in CHECKS if found.name == check]
    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://gateway") as http:
        (result,) = run(PLAN, http, 0.3, wanted)
        return result.fault


def models(*states: str, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": f"model-{at}", "status": {"value": state, **more}} for at, state in enumerate(states)]}


@pytest.mark.parametrize(
    ("check", "answers", "said"),
    [
        ("health", {"GET /health": {"status": "healthy", "backends": {}}}, "not configured: chatterbox, deepfilter"),
        (
            "health",
            {
                "GET /health": {
                    "status": "degraded",
                    "backends": {name.name: {"status": "healthy"} for name in PLAN.routes.services},
                }
            },
            "degraded: no backend is ill",
        ),
        ("metrics", {"GET /metrics": "nothing"}, "7 characters without synapse_build_info"),
        ("metrics", {"GET /metrics": METRICS.splitlines()[0]}, "without synapse_build_info"),
        (
            "voices",
            {"POST /voices": VOICE, "GET /voices": [[]], "DELETE /voices/5c0c8ad3": {}},
            "the voice 5c0c8ad3 was made and is not in the list",
        ),
        (
            "voices",
            {"POST /voices": VOICE, "GET /voices": [[VOICE]], "DELETE /voices/5c0c8ad3": {}},
            "was deleted and is still in the list",
        ),
        ("load and unload", {"GET /models": models()}, "the router has no model"),
        (
            "load and unload",
            {"GET /models": models("unloaded"), "POST /models/load": {"success": False}},
            "the router did not load model-0",
        ),
        (
            "load and unload",
            {"GET /models": models("loaded"), "POST /models/unload": {"success": True}},
            "model-0 is loaded after 0.3 s; unloaded expected",
        ),
        (
            "load and unload",
            {"GET /models": models("unloaded", failed=True), "POST /models/load": {"success": True}},
            "model-0 failed",
        ),
        (
            "load and unload",
            {"GET /models": [models("unloaded"), models("unloaded"), models()], "POST /models/load": {"success": True}},
            "model-0 is no longer in the router's list",
        ),
    ],
)
def test_a_wrong_answer_is_seen(check: str, answers: Mapping[str, Any], said: str) -> None:
    assert said in (fault(check, answers) or "")


def test_a_model_that_was_unloaded_is_loaded_and_left_so() -> None:
    states = [models("unloaded"), models("unloaded"), models("loading"), models("loaded")]
    assert fault("load and unload", {"GET /models": states, "POST /models/load": {"success": True}}) is None


def test_metrics_are_read() -> None:
    assert fault("metrics", {"GET /metrics": METRICS}) is None


def test_a_library_that_cannot_be_written_is_seen(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "voices").rename(tmp_path / "gone")
    (tmp_path / "voices").write_text("a file where the volume was")
    assert stage.faults("voices")["voices"].startswith("500 storage_error: ")


def test_no_voice_is_left_behind_by_a_check_that_failed(stage: Stage, tmp_path: Path) -> None:
    stage.break_("chatterbox", "POST /tts", lambda *_: b"no sound")
    assert "no WAV file" in stage.faults("clone")["clone"]
    assert stage.results("voices")["voices"].figures == {"voices": 0}


def test_a_connection_that_breaks_is_seen() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("peer closed the connection", request=request)

    with httpx.Client(transport=httpx.MockTransport(broken), base_url="http://gateway") as http:
        faults = {result.question.check.name: result.fault for result in run(PLAN, http, 1)}
    assert faults == dict.fromkeys([check.name for check in CHECKS], "the connection broke: peer closed the connection")
