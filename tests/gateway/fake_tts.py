"""Fake text-to-speech backends, and voices for them."""

import re
from email import message_from_bytes
from typing import Any

from aiohttp import web

from tests.gateway.fakes import Fake, ReceivedRequest
from tests.gateway.running_gateway import RunningGateway
from tests.gateway.sounds import wav

SOUND = wav(0.5)


def sound(request: Any, body: bytes) -> web.Response:
    return web.Response(body=SOUND, content_type="audio/wav")


def upload_response(request: Any, body: bytes) -> Any:
    """Return Chatterbox's response to an upload, with the name that it chose."""
    (name,) = re.findall(rb'filename="([^"]+)"', body)
    return {"message": "ok", "uploaded_files": [f"own-{name.decode()}"], "all_reference_files": [], "errors": []}


def chatterbox(backend: Fake, **more: Any) -> dict[str, Any]:
    return {"url": backend.url, "type": "chatterbox", **more}


async def voice(gateway: RunningGateway, *contents: bytes, headers: Any = None) -> str:
    files = [("files", ("a.wav", data, "audio/wav")) for data in contents or (wav(6),)]
    answer = await gateway.http.post("/voices", data={"name": "n"}, files=files, headers=headers)
    return str(answer.json()["voice_id"])


def sent(request: ReceivedRequest) -> tuple[str, str, bytes]:
    """Return field, file name and content of the only file of a form."""
    message = message_from_bytes(f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode() + request.body)
    (_, part) = message.walk()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return str(part.get_param("name", header="content-disposition")), str(part.get_filename()), content


def code(answer: Any) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]
