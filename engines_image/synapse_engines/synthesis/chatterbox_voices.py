"""The 28 voices that the Chatterbox TTS server bundles, each with a voice of Kokoro of the same gender."""

from collections.abc import Mapping

FEMALE: Mapping[str, str] = {
    "Abigail": "af_sarah",
    "Alice": "af_heart",
    "Cora": "bf_emma",
    "Elena": "af_bella",
    "Emily": "bf_lily",
    "Gianna": "af_kore",
    "Jade": "af_jessica",
    "Jordan": "af_river",
    "Layla": "af_nova",
    "Olivia": "bf_isabella",
    "Taylor": "af_sky",
}
MALE: Mapping[str, str] = {
    "Adrian": "am_adam",
    "Alexander": "bm_george",
    "Austin": "am_puck",
    "Axel": "am_fenrir",
    "Connor": "bm_lewis",
    "Eli": "am_liam",
    "Everett": "bm_daniel",
    "Gabriel": "am_eric",
    "Henry": "bm_fable",
    "Ian": "am_echo",
    "Jeremiah": "am_onyx",
    "Julian": "am_michael+bm_fable",
    "Leonardo": "am_onyx+am_puck",
    "Michael": "am_michael",
    "Miles": "am_liam+am_adam",
    "Ryan": "am_puck+am_michael",
    "Thomas": "bm_george+am_echo",
}
"""There are more names than male voices: five are blends."""
CHATTERBOX_VOICES: Mapping[str, str] = {f"{name}.wav": voice for name, voice in sorted({**FEMALE, **MALE}.items())}
"""File name of a voice -> voice or blend of Kokoro."""
