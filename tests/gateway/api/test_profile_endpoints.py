"""Profile endpoints: schema, change, apply, and the defaults of a chat."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.router import FAST, GENERAL, Router, asking

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
SLASHED = "unsloth/gpt-oss-20b:Q4"
OSS = "gpt-oss-20b"


@pytest.fixture
def router() -> Router:
    return Router([GENERAL, SLASHED, OSS])


@pytest.fixture
async def backend(router: Router, fake: Any) -> Any:
    return await fake(router.handlers)


@pytest.fixture
async def gateway(backend: Any, start: Any, tmp_path: Path) -> Any:
    path = str(tmp_path / "profiles.json")
    section = {"router": {"url": backend.url, "type": "llama-router"}}
    return await start(section, **FAST, SYNAPSE_MODEL_PROFILES_PATH=path)


async def test_the_schema_has_family_fields_and_notes(gateway: Any) -> None:
    shown = (await gateway.http.get(f"/models/{OSS}/schema")).json()
    assert (shown["model"], shown["family"]) == (OSS, "gpt-oss")
    assert shown["fields"][-1]["name"] == "reasoning_effort"
    assert all(isinstance(note, str) for note in shown["notes"])


@pytest.mark.parametrize("name", [SLASHED, "unsloth%2Fgpt-oss-20b%3AQ4"])
async def test_a_name_may_have_slashes_and_colons_raw_or_encoded(gateway: Any, name: str) -> None:
    answer = await gateway.http.put(f"/models/{name}/profile", json={"top_k": 7})
    assert answer.json() == {"model": SLASHED, "family": "generic", "values": {"top_k": 7}, "success": True}
    for end in ("schema", "profile"):
        assert (await gateway.http.get(f"/models/{name}/{end}")).json()["model"] == SLASHED
    applied = await gateway.http.post(f"/models/{name}/profile/apply")
    assert applied.json()["values"] == {"top_k": 7}


async def test_a_profile_is_empty_until_it_is_set(gateway: Any) -> None:
    answer = await gateway.http.get(f"/models/{GENERAL}/profile")
    assert answer.json() == {"model": GENERAL, "family": "qwen", "values": {}}


async def test_fields_are_accepted_with_and_without_values_and_are_merged(gateway: Any) -> None:
    path = f"/models/{GENERAL}/profile"
    await gateway.http.put(path, json={"temperature": 0.5, "top_k": 7})
    await gateway.http.put(path, json={"values": {"top_k": None, "min_p": 0}})
    assert (await gateway.http.get(path)).json()["values"] == {"temperature": 0.5, "min_p": 0}
    await gateway.http.put(path, json={"values": {"top_p": 1}, "replace": True})
    assert (await gateway.http.get(path)).json()["values"] == {"top_p": 1}
    await gateway.http.put(path, json={"values": {}, "replace": True})
    assert (await gateway.http.get(path)).json()["values"] == {}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"reasoning_effort": "low"}, "unknown_field", "reasoning_effort"),
        ({"temperature": 3}, "out_of_range", "temperature"),
        ({"top_k": 1.5}, "invalid_value", "top_k"),
        ({"values": 3}, "unknown_field", "values"),
        ({"values": {}, "top_k": 7}, "unknown_field", "values"),
        ({"top_k": 7, "replace": 1}, "invalid_value", "replace"),
    ],
)
async def test_a_request_with_a_bad_field_changes_nothing(
    gateway: Any, body: dict[str, Any], code: str, param: str
) -> None:
    path = f"/models/{GENERAL}/profile"
    refused = await gateway.http.put(path, json={"min_p": 0.1, **body} if "values" not in body else body)
    assert refused.status_code == 400
    assert (refused.json()["error"]["code"], refused.json()["error"]["param"]) == (code, param)
    assert (await gateway.http.get(path)).json()["values"] == {}


async def test_a_model_that_the_router_does_not_have_has_no_profile(gateway: Any) -> None:
    for method, end in (("GET", "schema"), ("GET", "profile"), ("PUT", "profile"), ("POST", "profile/apply")):
        answer = await gateway.http.request(method, f"/models/unheard-of/{end}", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


async def test_a_profile_can_be_read_while_the_router_is_unavailable(gateway: Any, backend: Any) -> None:
    await gateway.http.put(f"/models/{GENERAL}/profile", json={"top_k": 7})
    await backend.stop()
    assert (await gateway.http.get(f"/models/{GENERAL}/profile")).json()["values"] == {"top_k": 7}
    assert (await gateway.http.get(f"/models/{GENERAL}/schema")).status_code == 200
    assert (await gateway.http.get(f"/models/{OSS}/profile")).status_code == 503
    assert (await gateway.http.put(f"/models/{GENERAL}/profile", json={"top_k": 8})).status_code == 503


async def test_a_change_by_another_replica_is_shown(gateway: Any, tmp_path: Path) -> None:
    profile = {"updated_at": "2026-01-01T00:00:00+00:00", "values": {"top_k": 9}}
    (tmp_path / "profiles.json").write_text(json.dumps({"version": 1, "models": {GENERAL: profile}}))
    assert (await gateway.http.get(f"/models/{GENERAL}/profile")).json()["values"] == {"top_k": 9}


async def test_a_damaged_file_does_not_stop_the_gateway(gateway: Any, tmp_path: Path) -> None:
    await gateway.http.put(f"/models/{GENERAL}/profile", json={"top_k": 7})
    (tmp_path / "profiles.json").write_text('{"version":')
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    answer = await gateway.http.put(f"/models/{GENERAL}/profile", json={"min_p": 0.1})
    assert answer.json()["values"] == {"top_k": 7, "min_p": 0.1}
    assert (tmp_path / "profiles.json.corrupt").read_text() == '{"version":'


async def test_a_chat_gets_the_defaults_that_the_client_did_not_send(gateway: Any, backend: Any) -> None:
    values = {"temperature": 0.5, "top_k": 7, "system_prompt": "Be brief."}
    await gateway.http.put(f"/models/{GENERAL}/profile", json=values)
    await gateway.http.post(CHAT, json={**asking(GENERAL, "Hi"), "temperature": None})
    sent = backend.calls(CHAT)[0].json()
    assert (sent["temperature"], sent["top_k"], sent["model"]) == (None, 7, GENERAL)
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


async def test_an_automatic_model_gets_its_own_profile(gateway: Any, backend: Any) -> None:
    await gateway.http.put(f"/models/{GENERAL}/profile", json={"top_k": 7})
    await gateway.http.post(CHAT, json=asking(None, "Hi"))
    assert backend.calls(CHAT)[0].json() == {**asking(GENERAL, "Hi"), "top_k": 7}


async def test_a_chat_without_a_profile_keeps_its_bytes(gateway: Any, backend: Any) -> None:
    await gateway.http.put(f"/models/{OSS}/profile", json={"top_k": 7})
    data = b'{"model":"%s",  "messages": [ {"role":"user","content":"x"} ]}' % GENERAL.encode()
    await gateway.http.post(CHAT, content=data)
    assert backend.calls(CHAT)[0].body == data


async def test_apply_without_a_load_loads_nothing(gateway: Any, router: Router) -> None:
    for body in (None, {}, {"load_model": False}):
        answer = await gateway.http.post(f"/models/{GENERAL}/profile/apply", json=body)
        assert answer.json() == {
            "success": True,
            "model": GENERAL,
            "family": "qwen",
            "values": {},
            "load": {"requested": False, "success": False},
        }
    assert router.loads == []


async def test_apply_with_a_load_waits_for_the_load(gateway: Any, router: Router) -> None:
    answer = await gateway.http.post(f"/models/{GENERAL}/profile/apply", json={"load_model": True})
    assert answer.json()["load"] == {"requested": True, "success": True, "status_code": 200}
    assert answer.json()["success"] is True
    assert router.states[GENERAL] == "loaded"


async def test_a_failed_load_is_in_the_response(gateway: Any, router: Router) -> None:
    router.broken.add(GENERAL)
    answer = await gateway.http.post(f"/models/{GENERAL}/profile/apply", json={"load_model": True})
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    load = answer.json()["load"]
    assert (load["requested"], load["success"], load["status_code"]) == (True, False, 502)
    assert GENERAL in load["detail"]
