"""vLLM's flags: what is written is read back, in anybody's notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import vllm_flags
from infra.options import VllmService
from infra.quantities import GI
from infra.vram import CARDS

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"


@given(st.integers(1, 131_072), st.integers(1, 64), st.sampled_from(["auto", "fp8"]), st.integers(1, 4))
def test_the_flags_need_what_the_ledger_says(context: int, sequences: int, kv_dtype: str, gpus: int) -> None:
    service = VllmService.model_validate(
        {"contextTokens": context, "sequences": sequences, "kvDtype": kv_dtype, "tensorParallel": gpus}
    )
    claimed = service.vram(CARDS)
    written = vllm_flags.write(service, claimed, 32 * GI)
    assert vllm_flags.vram(vllm_flags.read(written), CARDS, 32 * GI) == claimed.total


@pytest.mark.parametrize(
    "words",
    [
        ["serve", MODEL, "--max-model-len", "65536"],
        ["vllm", "serve", MODEL, "--max-model-len=65536"],
        ["--model", MODEL, "--max_model_len", "64K"],
        [MODEL, "--max-model-len=1", "--max-model-len=65536"],
    ],
)
def test_every_notation_is_read(words: list[str]) -> None:
    flags = vllm_flags.read(words)
    assert (flags.model, flags.context_tokens) == (MODEL, 65_536)


def test_an_unset_context_is_the_longest_of_the_model() -> None:
    flags = vllm_flags.read(["serve", MODEL, "--kv-cache-memory-bytes=1"])
    assert vllm_flags.vram(flags, CARDS, 32 * GI) > 32 * GI


def test_an_unknown_model_takes_what_it_is_told_to() -> None:
    flags = vllm_flags.read(["serve", "acme/unknown", "--gpu-memory-utilization", "0.5"])
    assert vllm_flags.vram(flags, CARDS, 32 * GI) == 16 * GI
    assert vllm_flags.vram(vllm_flags.read(["serve", "acme/unknown"]), CARDS, 100) == 92
