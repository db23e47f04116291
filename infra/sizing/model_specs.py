"""Model specs: the figures that decide a model's memory, as data. Sources: docs/vram.md."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Figures of a model's `config.json` that decide its memory."""

    parameters: int
    layers: int
    kv_heads: int  # 0: an encoder, which keeps no KV cache
    head_size: int
    context_tokens: int  # the longest context that it was trained for
    heads: int | None = None  # query heads
    embedding: int | None = None  # parameters of the token embedding; None: not known
    tied: bool = False  # the output head is the embedding itself
    window: int = 0  # tokens of a sliding window
    window_layers: int = 0  # layers with a sliding window
    latent: int = 0  # multi-head latent attention: values per token and layer, in place of keys and values
    stored: int | None = None  # bytes of the weights where the model is published quantised; None: parameters x dtype
    gated: bool = False  # the hub gives it only to an account that accepted its licence
    licence: str | None = None  # its name in `infra/catalog/licences.py`; None: not known


LLAMA_8B = ModelSpec(
    parameters=8_030_261_248,
    layers=32,
    kv_heads=8,
    head_size=128,
    heads=32,
    context_tokens=131_072,
    embedding=128_256 * 4096,
    gated=True,
    licence="llama3.1",
)
LLAMA_70B = ModelSpec(
    parameters=70_553_706_496,
    layers=80,
    kv_heads=8,
    head_size=128,
    heads=64,
    context_tokens=131_072,
    embedding=128_256 * 8192,
    gated=True,
    licence="llama3.1",
)
LLAMA_3B = ModelSpec(
    parameters=3_212_749_824,
    layers=28,
    kv_heads=8,
    head_size=128,
    heads=24,
    context_tokens=131_072,
    embedding=128_256 * 3072,
    tied=True,
    gated=True,
    licence="llama3.2",
)
QWEN25_7B = ModelSpec(
    parameters=7_615_616_512,
    layers=28,
    kv_heads=4,
    head_size=128,
    heads=28,
    context_tokens=32_768,
    embedding=152_064 * 3584,
    licence="Apache-2.0",
)
QWEN25_14B = ModelSpec(
    parameters=14_770_033_664,
    layers=48,
    kv_heads=8,
    head_size=128,
    heads=40,
    context_tokens=32_768,
    embedding=152_064 * 5120,
    licence="Apache-2.0",
)
QWEN25_32B = ModelSpec(
    parameters=32_763_876_352,
    layers=64,
    kv_heads=8,
    head_size=128,
    heads=40,
    context_tokens=32_768,
    embedding=152_064 * 5120,
    licence="Apache-2.0",
)
QWEN3_8B = ModelSpec(
    parameters=8_190_735_360,
    layers=36,
    kv_heads=8,
    head_size=128,
    heads=32,
    context_tokens=40_960,
    embedding=151_936 * 4096,
    licence="Apache-2.0",
)
QWEN3_30B_A3B = ModelSpec(
    parameters=30_532_122_624,
    layers=48,
    kv_heads=4,
    head_size=128,
    heads=32,
    context_tokens=40_960,
    embedding=151_936 * 2048,
    licence="Apache-2.0",
)
MISTRAL_7B = ModelSpec(
    parameters=7_248_023_552,
    layers=32,
    kv_heads=8,
    head_size=128,
    heads=32,
    context_tokens=32_768,
    embedding=32_768 * 4096,
    licence="Apache-2.0",
)
MISTRAL_NEMO = ModelSpec(
    parameters=12_247_782_400,
    layers=40,
    kv_heads=8,
    head_size=128,
    heads=32,
    context_tokens=131_072,
    embedding=131_072 * 5120,
    licence="Apache-2.0",
)
GEMMA2_9B = ModelSpec(
    parameters=9_241_705_984,
    layers=42,
    kv_heads=8,
    head_size=256,
    heads=16,
    context_tokens=8192,
    embedding=256_000 * 3584,
    tied=True,
    window=4096,
    window_layers=21,
    gated=True,
    licence="gemma",
)
GEMMA3_12B = ModelSpec(
    parameters=12_187_325_040,  # its vision tower included
    layers=48,
    kv_heads=8,
    head_size=256,
    heads=16,
    context_tokens=131_072,
    embedding=262_208 * 3840,
    tied=True,
    window=1024,
    window_layers=40,
    gated=True,
    licence="gemma",
)
PHI_4 = ModelSpec(
    parameters=14_659_507_200,
    layers=40,
    kv_heads=10,
    head_size=128,
    heads=40,
    context_tokens=16_384,
    embedding=100_352 * 5120,
    licence="MIT",
)
GPT_OSS_20B = ModelSpec(
    parameters=20_914_757_184,
    layers=24,
    kv_heads=8,
    head_size=64,
    heads=64,
    context_tokens=131_072,
    embedding=201_088 * 2880,
    window=128,
    window_layers=12,
    stored=13_761_264_768,  # its experts come in MXFP4
    licence="Apache-2.0",
)
DEEPSEEK_V2_LITE = ModelSpec(
    parameters=15_706_484_224,
    layers=27,
    kv_heads=16,
    head_size=160,  # keys of 192 values, values of 128
    heads=16,
    context_tokens=163_840,
    embedding=102_400 * 2048,
    latent=512 + 64,  # kv_lora_rank + qk_rope_head_dim
    licence="deepseek",
)
MXBAI_EMBED_LARGE = ModelSpec(
    parameters=335_141_888,
    layers=24,
    kv_heads=0,
    head_size=64,
    heads=16,
    context_tokens=512,
    embedding=30_522 * 1024,
    tied=True,
    licence="Apache-2.0",
)

MODEL_SPECS: dict[str, ModelSpec] = {
    "meta-llama/Meta-Llama-3.1-8B-Instruct": LLAMA_8B,
    "meta-llama/Llama-3.1-8B-Instruct": LLAMA_8B,
    "meta-llama/Llama-3.1-70B-Instruct": LLAMA_70B,
    "meta-llama/Llama-3.3-70B-Instruct": replace(LLAMA_70B, licence="llama3.3"),
    "meta-llama/Llama-3.2-3B-Instruct": LLAMA_3B,
    "Qwen/Qwen2.5-7B-Instruct": QWEN25_7B,
    "Qwen/Qwen2.5-Coder-7B-Instruct": QWEN25_7B,
    "Qwen/Qwen2.5-14B-Instruct": QWEN25_14B,
    "Qwen/Qwen2.5-32B-Instruct": QWEN25_32B,
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B": replace(QWEN25_32B, context_tokens=131_072, licence="MIT"),
    "Qwen/Qwen3-8B": QWEN3_8B,
    "Qwen/Qwen3-30B-A3B": QWEN3_30B_A3B,
    "mistralai/Mistral-7B-Instruct-v0.3": MISTRAL_7B,
    "mistralai/Mistral-Nemo-Instruct-2407": MISTRAL_NEMO,
    "google/gemma-2-9b-it": GEMMA2_9B,
    "google/gemma-3-12b-it": GEMMA3_12B,
    "microsoft/phi-4": PHI_4,
    "openai/gpt-oss-20b": GPT_OSS_20B,
    "deepseek-ai/DeepSeek-V2-Lite-Chat": DEEPSEEK_V2_LITE,
    "mixedbread-ai/mxbai-embed-large-v1": MXBAI_EMBED_LARGE,
}
"""Repository on the Hugging Face hub -> spec."""


def rows() -> Iterator[tuple[str, ...]]:
    """Return the specs as cells of a table, in the order of `COLUMNS`."""
    for name, model_spec in MODEL_SPECS.items():
        special = ""
        if model_spec.window:
            special = f"{model_spec.window_layers} layers with a window of {model_spec.window} tokens"
        elif model_spec.latent:
            special = f"latent attention of {model_spec.latent} values"
        elif not model_spec.kv_heads:
            special = "encoder: no cache"
        access = "needs a token" if model_spec.gated else "free"
        figures = (
            model_spec.parameters,
            model_spec.layers,
            model_spec.kv_heads,
            model_spec.head_size,
            model_spec.context_tokens,
        )
        yield name, *(f"{figure:,}" for figure in figures), special, access, model_spec.licence or "not known"


COLUMNS = ("Model", "Parameters", "Layers", "KV heads", "Head size", "Context", "Cache", "Download", "Licence")
