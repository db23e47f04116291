"""Published figures of models beside our calculation of the same; docs/vram.md shows the tables.

`python -m tests.infra.sizing.published` writes them there. Sources are named by owner/repository#thread, or by file.
"""

from collections.abc import Iterator
from pathlib import Path

from infra.catalog.cards import USABLE_GIB, usable
from infra.catalog.model_catalog import MODEL_SPECS
from infra.quantities import GI, MI
from infra.sizing.engines.llama_memory import LlamaOptions, cache_bytes
from infra.sizing.ledger import markdown
from infra.sizing.specs import model_spec
from infra.sizing.weights import stored_weights, weights
from tests.infra.sizing.published_memory import MEMORY, pool
from tests.infra.sizing.published_row import GB, GIB, MIB, Row

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/vram.md"
COLUMNS = ("Model", "What", "Published", "Ours", "Error", "Source")
INDEX = "`metadata.total_size` of its model.safetensors.index.json"
QUANTIZE = "ggml-org/llama.cpp, tools/quantize/README.md"


def _index(name: str, total: int) -> Row:
    return Row(name, "as published", total, stored_weights(MODEL_SPECS[name], "bfloat16"), INDEX, ("bytes", 1), 0)


def _gguf(name: str, kind: str, size: float, source: str, unit: tuple[str, int] = ("GB", GB)) -> Row:
    digits = len(f"{size}".partition(".")[2])
    ours = stored_weights(MODEL_SPECS[name], "float16", kind)
    return Row(name, kind.upper(), size * unit[1], ours, source, unit, digits)


def _request(name: str, context: int) -> int:
    """Return the bytes of the blocks that one request takes in vLLM."""
    blocks = pool(name, usable("rtx-5090"), contextTokens=context)
    return blocks.block_bytes * blocks.blocks


LLAMA = "meta-llama/Llama-3.1-8B-Instruct"

EXACT = (
    _index(LLAMA, 16_060_522_496),
    _index("meta-llama/Llama-3.1-70B-Instruct", 141_107_412_992),
    _index("Qwen/Qwen2.5-7B-Instruct", 15_231_233_024),
    _index("Qwen/Qwen2.5-14B-Instruct", 29_540_067_328),
    _index("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", 65_527_752_704),
    _index("Qwen/Qwen3-8B", 16_381_470_720),
    _index("Qwen/Qwen3-30B-A3B", 61_064_245_248),
    _index("mistralai/Mistral-7B-Instruct-v0.3", 14_496_047_104),
    _index("mistralai/Mistral-Nemo-Instruct-2407", 24_495_564_800),
    _index("google/gemma-2-9b-it", 18_483_411_968),
    _index("microsoft/phi-4", 29_319_014_400),
    _index("openai/gpt-oss-20b", 13_761_264_768),
    _index("deepseek-ai/DeepSeek-V2-Lite-Chat", 31_412_968_448),
)
QUANTISED = (
    *(
        _gguf(LLAMA, kind, size, QUANTIZE, GIB)
        for kind, size in {
            "f16": 14.96,
            "q8_0": 7.95,
            "q6_k": 6.14,
            "q5_k_m": 5.33,
            "q5_k_s": 5.21,
            "q4_k_m": 4.58,
            "q4_k_s": 4.36,
            "iq4_xs": 4.17,
        }.items()
    ),
    _gguf("meta-llama/Llama-3.1-70B-Instruct", "q4_0", 37.22, "ollama/ollama#6279, log", GIB),
    _gguf("meta-llama/Llama-3.1-70B-Instruct", "q4_k_m", 43.1, QUANTIZE),
    _gguf("meta-llama/Llama-3.2-3B-Instruct", "q4_k_m", 2.02, "bartowski/Hermes-3-Llama-3.2-3B-GGUF, README.md"),
    _gguf("Qwen/Qwen2.5-32B-Instruct", "q4_k_m", 19.85, "bartowski/Qwen2.5-32B-Instruct-GGUF, README.md"),
    _gguf("Qwen/Qwen3-30B-A3B", "q4_k_m", 18.63, "bartowski/Qwen_Qwen3-30B-A3B-Thinking-2507-GGUF, README.md"),
    _gguf("google/gemma-2-9b-it", "q4_k_m", 5.76, "bartowski/gemma-2-9b-it-GGUF, README.md"),
    _gguf("mistralai/Mistral-Nemo-Instruct-2407", "q4_k_m", 7.48, "bartowski/NemoMix-Unleashed-12B-GGUF, README.md"),
    _gguf(
        "mixedbread-ai/mxbai-embed-large-v1", "f16", 0.67, "morphllm.com/ollama-embedding-models, of Ollama's library"
    ),
    Row(
        "Qwen/Qwen2.5-7B-Instruct",
        "bitsandbytes, loaded by vLLM",
        5.2032 * GI,
        weights(MODEL_SPECS["Qwen/Qwen2.5-7B-Instruct"], "bfloat16", quantization="bitsandbytes"),
        "vllm-project/vllm#13882, log",
        GIB,
    ),
    Row(
        "Qwen/Qwen3-8B",
        "AWQ, loaded by vLLM",
        5.68 * GI,
        weights(MODEL_SPECS["Qwen/Qwen3-8B"], "bfloat16", quantization="awq"),
        "glenic/Qwen3-8B-AWQ, README.md",
        GIB,
    ),
    Row(
        LLAMA,
        "bfloat16, loaded by vLLM",
        14.9888 * GI,
        weights(MODEL_SPECS[LLAMA], "bfloat16"),
        "vllm-project/vllm#10517, log",
        GIB,
    ),
)
CACHES = (
    Row(
        LLAMA,
        "10 x 8192 tokens, float16, Ollama",
        10_240 * MI,
        cache_bytes(MODEL_SPECS[LLAMA], LlamaOptions(context_tokens=81_920, slots=10, whole_windows=True)),
        "ollama/ollama#9352, log",
        MIB,
        0,
    ),
    Row(
        LLAMA,
        "23648 tokens, bfloat16, vLLM",
        2.89 * GI,
        _request(LLAMA, 23_648),
        "vllm-project/vllm#10517, log",
        GIB,
    ),
    Row(
        "deepseek-ai/DeepSeek-V2-Lite-Chat",
        "32768 tokens, bfloat16, vLLM",
        0.95 * GI,
        _request("deepseek-ai/DeepSeek-V2-Lite-Chat", 32_768),
        "vllm-project/vllm#15871, log",
        GIB,
    ),
    Row(
        "openai/gpt-oss-20b",
        "131072 tokens, float16, llama.cpp",
        3090 * MI,
        cache_bytes(MODEL_SPECS["openai/gpt-oss-20b"], LlamaOptions(context_tokens=131_072)),
        "ikawrakow/ik_llama.cpp#822, log",
        MIB,
        0,
    ),
)
ROWS = (*EXACT, *QUANTISED, *CACHES)


def sections() -> Iterator[tuple[str, str]]:
    """Return the marks of docs/vram.md and the tables between them."""
    rows_of_models = [model_spec.row(name, spec) for name, spec in MODEL_SPECS.items()]
    yield "models", markdown(model_spec.COLUMNS, rows_of_models)
    yield "cards", markdown(("Card", "GiB"), [(card, f"{size:.2f}") for card, size in USABLE_GIB.items()])
    for mark, rows in (("exact", EXACT), ("quantised", QUANTISED), ("caches", CACHES), ("memory", MEMORY)):
        yield mark, markdown(COLUMNS, [row.cells for row in rows])


def between(text: str, mark: str) -> str:
    return text.split(f"<!-- {mark} -->\n")[1].split(f"<!-- /{mark} -->", maxsplit=1)[0]


if __name__ == "__main__":
    document = DOCUMENT.read_text(encoding="utf-8")
    for mark, table in sections():
        document = document.replace(
            f"<!-- {mark} -->\n{between(document, mark)}<!-- /{mark} -->", f"<!-- {mark} -->\n{table}<!-- /{mark} -->"
        )
    DOCUMENT.write_text(document, encoding="utf-8")
