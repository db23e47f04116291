"""Program for the environment `chatterbox`: weights of the library's real shapes with random values.

    python chatterbox_weights.py FOLDER [RECORDING]

FOLDER gets the files that `ChatterboxTTS.from_local` reads, and with a RECORDING also `conds.pt`, the built-in voice.
"""

import sys
from pathlib import Path

import torch
from chatterbox.models.s3gen import S3Gen
from chatterbox.models.t3 import T3
from chatterbox.models.tokenizers.tokenizer import SPECIAL_TOKENS, EnTokenizer
from chatterbox.models.voice_encoder import VoiceEncoder
from chatterbox.tts import ChatterboxTTS
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, models

SEED = 7
SPEECH_TOKENS = 25
"""Tokens of speech that the model generates for any text: 25 are a second."""
STRENGTH = 40.0
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'-"
SPECIAL_NUMBERS = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[START]": 255}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder / "tokenizer.json")
    torch.manual_seed(SEED)
    t3, s3gen, encoder = T3().eval(), S3Gen().eval(), VoiceEncoder().eval()
    stop_after(t3, SPEECH_TOKENS)
    for name, module in (("t3_cfg", t3), ("s3gen", s3gen), ("ve", encoder)):
        save_file(
            {key: tensor.contiguous() for key, tensor in module.state_dict().items()}, folder / f"{name}.safetensors"
        )
    for recording in sys.argv[2:]:
        library = ChatterboxTTS(t3, s3gen, encoder, EnTokenizer(str(folder / "tokenizer.json")), "cpu")
        library.prepare_conditionals(recording)
        library.conds.save(folder / "conds.pt")


def stop_after(t3: T3, count: int) -> None:
    """Let the token that ends the speech be certain at the position *count*, and impossible before.

    Random weights would never choose it. The first channel tells the position, and only that token depends on it.
    """
    with torch.no_grad():
        for name, weight in t3.speech_pos_emb.named_parameters():
            assert name == "emb.weight"
            weight[:, 0] = -STRENGTH
            weight[count:, 0] = STRENGTH
        t3.speech_head.weight[:, 0] = 0
        t3.speech_head.weight[t3.hp.stop_speech_token] = 0
        t3.speech_head.weight[t3.hp.stop_speech_token, 0] = 1


def save_tokenizer(file: Path) -> None:
    """Write a tokenizer of characters with the special tokens of the real one."""
    free = range(3, 255)
    vocabulary = {**SPECIAL_NUMBERS, **dict(zip(CHARACTERS, free, strict=False))}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]"))  # noqa: S106 - a token of text
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS if token in vocabulary])
    tokenizer.save(str(file))


if __name__ == "__main__":
    main()
