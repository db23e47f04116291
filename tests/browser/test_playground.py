"""Playground in Chromium: chat, speech and transcription."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.browser import Tab
from tests.browser.scene import WORDS, Scene
from tests.gateway.router import GENERAL
from tests.gateway.sounds import wav

pytestmark = pytest.mark.anyio


async def _ask(tab: Tab, text: str) -> None:
    await tab.page.get_by_label("Message", exact=True).fill(text)
    await tab.page.keyboard.press("Control+Enter")


async def test_a_response_is_shown_as_it_streams(tab: Tab, platform: Scene) -> None:
    platform.step.clear()
    await tab.open("playground")
    await expect(tab.page.get_by_label("Model").first).to_have_value(GENERAL)
    await _ask(tab, "What does Synapse do?")
    answer = tab.page.locator(".bubble[data-role=assistant] .text")
    await expect(answer).to_have_text(WORDS[0])
    await expect(tab.page.get_by_role("button", name="Send")).to_be_disabled()
    platform.step.set()
    await expect(answer).to_have_text(" ".join(WORDS))
    await expect(tab.page.get_by_text(re.compile("^llama-router · first piece after .* pieces/s$"))).to_be_visible()


async def test_a_conversation_sends_its_earlier_messages(tab: Tab, platform: Scene) -> None:
    await tab.open("playground")
    await tab.page.get_by_label("System message").fill("Be brief.")
    for question in ("One?", "Two?"):
        await _ask(tab, question)
        await expect(tab.page.get_by_role("button", name="Send")).to_be_enabled()
        await expect(tab.page.get_by_text("pieces/s")).to_be_visible()
    await expect(tab.page.locator(".bubble")).to_have_count(4)
    contents = [message["content"].strip() for message in platform.chats[-1]["messages"]]
    assert contents == ["Be brief.", "One?", " ".join(WORDS), "Two?"]
    await tab.page.get_by_role("button", name="New conversation").click()
    await expect(tab.page.locator(".bubble")).to_have_count(0)


async def test_stopping_a_response_aborts_the_backend_call(tab: Tab, platform: Scene) -> None:
    platform.step.clear()
    await tab.open("playground")
    await _ask(tab, "Go on without an end")
    await expect(tab.page.locator(".bubble[data-role=assistant] .text")).to_have_text(WORDS[0])
    await tab.page.get_by_role("button", name="Stop").click()
    await expect(tab.page.get_by_text("Stopped.")).to_be_visible()
    await expect(tab.page.get_by_role("button", name="Send")).to_be_enabled()
    assert tab.problems == []


async def test_an_error_shows_its_message_and_code(tab: Tab) -> None:
    await tab.open("playground")
    await tab.page.get_by_label("Model").first.fill("nobody-has-this")
    await _ask(tab, "Hello?")
    await expect(tab.page.locator(".bubble[data-role=error] .text")).to_have_text(
        re.compile(r"nobody-has-this.*\(.+\)$")
    )
    tab.problems.clear()  # the browser logs failed requests


async def test_a_text_is_synthesized(tab: Tab) -> None:
    await tab.open("playground")
    await tab.page.get_by_role("tab", name="Speech").click()
    await expect(tab.page.get_by_label("Model").nth(1)).to_have_value("piper-tts")
    await tab.page.get_by_label("Text").fill("Hello")
    await tab.page.get_by_role("button", name="Speak").click()
    await expect(tab.page.get_by_text(re.compile("KiB of audio/wav in"))).to_be_visible()
    player = tab.page.get_by_label("The speech")
    await expect(player).to_be_visible()
    await tab.page.wait_for_function("document.querySelector('audio').duration === 1")


async def test_a_recording_is_transcribed(tab: Tab, platform: Scene, tmp_path: Path) -> None:
    recording = tmp_path / "recording.wav"
    recording.write_bytes(wav(1))
    await tab.open("playground")
    await tab.page.get_by_role("tab", name="Transcription").click()
    await tab.page.get_by_label("Recording").set_input_files(recording)
    await tab.page.get_by_role("button", name="Transcribe").click()
    await expect(tab.page.get_by_label("The transcript")).to_have_text("A short recording.")
    (request,) = platform.listener.calls("/v1/audio/transcriptions")
    assert wav(1) in request.body
    assert b"whisper-large-v3" in request.body


async def test_arrow_keys_switch_tabs(tab: Tab) -> None:
    await tab.open("playground")
    await tab.page.get_by_role("tab", name="Chat").focus()
    await tab.page.keyboard.press("ArrowLeft")
    await expect(tab.page.get_by_role("tab", name="Transcription")).to_be_focused()
    await expect(tab.page.get_by_role("tabpanel", name="Transcription")).to_be_visible()
    await expect(tab.page.get_by_role("tabpanel", name="Chat")).to_be_hidden()
