"""Checks of the gateway's own answers: a table of wrong answers in place of the real gateway."""

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
    """Return the fault of *check* for *answers*: "METHOD /path" -> JSON, text, or a list of them in turn."""
    left = {request: list(each) if isinstance(each, list) else each for request, each in answers.items()}

    def answer(request: httpx.Request) -> httpx.Response:
        next_answer = left[f"{request.method} {request.url.path}"]
        content = next_answer
        if isinstance(next_answer, list):
            content = next_answer.pop(0) if len(next_answer) > 1 else next_answer[0]
        return httpx.Response(200, text=content) if isinstance(content, str) else httpx.Response(200, json=content)

    selected = [each for each in CHECKS if each.name == check]
    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://gateway") as http:
        (result,) = run(PLAN, http, 0.3, selected)
        return result.fault


def models(*states: str, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": f"model-{at}", "status": {"value": state, **more}} for at, state in enumerate(states)]}


@pytest.mark.parametrize(
    ("check", "answers", "message"),
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
            "degraded: every backend is healthy",
        ),
        ("metrics", {"GET /metrics": "nothing"}, "7 characters without synapse_build_info"),
        ("metrics", {"GET /metrics": METRICS.splitlines()[0]}, "without synapse_build_info"),
        (
            "voices",
            {"POST /voices": VOICE, "GET /voices": [[]], "DELETE /voices/5c0c8ad3": {}},
            "the voice 5c0c8ad3 was created and is not in the list",
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
def test_a_wrong_answer_is_reported(check: str, answers: Mapping[str, Any], message: str) -> None:
    assert message in (fault(check, answers) or "")


def test_an_unloaded_model_is_loaded_and_stays_loaded() -> None:
    states = [models("unloaded"), models("unloaded"), models("loading"), models("loaded")]
    assert fault("load and unload", {"GET /models": states, "POST /models/load": {"success": True}}) is None


def test_metrics_are_read() -> None:
    assert fault("metrics", {"GET /metrics": METRICS}) is None


def test_an_unwritable_voice_library_is_reported(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "voices").rename(tmp_path / "gone")
    (tmp_path / "voices").write_text("a file where the volume was")
    assert stage.faults("voices")["voices"].startswith("500 storage_error: ")


def test_a_failed_check_leaves_no_voice_behind(stage: Stage, tmp_path: Path) -> None:
    stage.break_("chatterbox", "POST /tts", lambda *_: b"no sound")
    assert "no WAV file" in stage.faults("clone")["clone"]
    assert stage.results("voices")["voices"].figures == {"voices": 0}


def test_a_broken_connection_is_reported() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("peer closed the connection", request=request)

    with httpx.Client(transport=httpx.MockTransport(broken), base_url="http://gateway") as http:
        faults = {result.case.check.name: result.fault for result in run(PLAN, http, 1)}
    assert faults == dict.fromkeys([check.name for check in CHECKS], "the connection broke: peer closed the connection")
