"""Parsers by model family: each family of models writes tool calls and reasoning in a notation of its own.

Without a tool-call parser an engine answers 400 to a request with tools, which Open WebUI and every agent send.
Sources: `docs/features/tool_calling.md` and `docs/features/reasoning_outputs.md` of vLLM, and the rules of
`sglang/srt/parser/template_detection.py`.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from infra.catalog.parser_names import EngineName

NO_PARSER: Final = "none"
"""Value of a stack file that switches a parser off."""
VLLM_EXAMPLES: Final = "/vllm-workspace/examples"
"""Folder of vLLM's image with the chat templates that its documentation recommends."""


@dataclass(frozen=True, kw_only=True)
class Parsers:
    """Parsers of one engine for one family; None for a notation that the engine has no parser for.

    *chat_template* is a file of the engine's image, for a family whose own template does not suit the parser.
    """

    tool_call: str | None = None
    reasoning: str | None = None
    chat_template: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModelFamily:
    """Models whose name, in lower case and without its owner, matches one of *patterns*."""

    name: str
    patterns: tuple[str, ...]
    vllm: Parsers = field(default_factory=Parsers)
    sglang: Parsers = field(default_factory=Parsers)

    def parsers(self, engine: EngineName) -> Parsers:
        return {"vllm": self.vllm, "sglang": self.sglang}[engine]


def _template(name: str) -> str:
    return f"{VLLM_EXAMPLES}/tool_chat_template_{name}.jinja"


FAMILIES: Final = (
    ModelFamily(
        name="Hermes",
        patterns=("hermes-*",),
        vllm=Parsers(tool_call="hermes"),
        sglang=Parsers(tool_call="hermes"),
    ),
    ModelFamily(
        name="Nemotron 3",
        patterns=("nvidia-nemotron-3*",),
        vllm=Parsers(tool_call="qwen3_coder", reasoning="nemotron_v3"),
        sglang=Parsers(tool_call="qwen3_coder", reasoning="nemotron_3"),
    ),
    ModelFamily(name="Nemotron, older", patterns=("*nemotron*",)),  # the notation of none of the parsers
    ModelFamily(
        name="DeepSeek R1 distilled",
        patterns=("deepseek-r1-distill-*",),
        vllm=Parsers(reasoning="deepseek_r1"),
        sglang=Parsers(reasoning="deepseek-r1"),
    ),
    ModelFamily(
        name="DeepSeek R1",
        patterns=("deepseek-r1*",),
        vllm=Parsers(tool_call="deepseek_v3", reasoning="deepseek_r1", chat_template=_template("deepseekr1")),
        sglang=Parsers(tool_call="deepseekv3", reasoning="deepseek-r1"),
    ),
    ModelFamily(
        name="DeepSeek V3.1",
        patterns=("deepseek-v3.1*",),
        vllm=Parsers(tool_call="deepseek_v31", reasoning="deepseek_v3", chat_template=_template("deepseekv31")),
        sglang=Parsers(tool_call="deepseekv31", reasoning="deepseek-v3"),
    ),
    ModelFamily(
        name="DeepSeek V3.2",
        patterns=("deepseek-v3.2*",),
        vllm=Parsers(tool_call="deepseek_v32", reasoning="deepseek_v3"),
        sglang=Parsers(tool_call="deepseekv32", reasoning="deepseek-v3"),
    ),
    ModelFamily(
        name="DeepSeek V3",
        patterns=("deepseek-v3*",),
        vllm=Parsers(tool_call="deepseek_v3", chat_template=_template("deepseekv3")),
        sglang=Parsers(tool_call="deepseekv3"),
    ),
    ModelFamily(
        name="Qwen3 Coder",
        patterns=("qwen3-coder*",),
        vllm=Parsers(tool_call="qwen3_xml"),
        sglang=Parsers(tool_call="qwen3_coder"),
    ),
    ModelFamily(
        name="Qwen3.5 and newer",
        patterns=("qwen3.[5-9]*",),
        vllm=Parsers(tool_call="qwen3_coder", reasoning="qwen3"),
        sglang=Parsers(tool_call="qwen3_coder", reasoning="qwen3"),
    ),
    ModelFamily(  # these never think: a parser that expects reasoning would take the whole answer for it
        name="Qwen3 Instruct",
        patterns=("qwen3-*-instruct*",),
        vllm=Parsers(tool_call="hermes"),
        sglang=Parsers(tool_call="qwen"),
    ),
    ModelFamily(
        name="Qwen3 Thinking",
        patterns=("qwen3-*-thinking*",),
        vllm=Parsers(tool_call="hermes", reasoning="qwen3"),
        sglang=Parsers(tool_call="qwen", reasoning="qwen3-thinking"),
    ),
    ModelFamily(
        name="Qwen3",
        patterns=("qwen3-*",),
        vllm=Parsers(tool_call="hermes", reasoning="qwen3"),
        sglang=Parsers(tool_call="qwen", reasoning="qwen3"),
    ),
    ModelFamily(
        name="QwQ",
        patterns=("qwq-*",),
        vllm=Parsers(tool_call="hermes", reasoning="deepseek_r1"),
        sglang=Parsers(tool_call="qwen", reasoning="deepseek-r1"),
    ),
    ModelFamily(
        name="Qwen2.5",
        patterns=("qwen2.5-*",),
        vllm=Parsers(tool_call="hermes"),
        sglang=Parsers(tool_call="qwen"),
    ),
    ModelFamily(
        name="Llama 3.2",
        patterns=("*llama-3.2-*",),
        vllm=Parsers(tool_call="llama3_json", chat_template=_template("llama3.2_json")),
        sglang=Parsers(tool_call="llama3"),
    ),
    ModelFamily(
        name="Llama 3.1 and 3.3",
        patterns=("*llama-3.1-*", "*llama-3.3-*"),
        vllm=Parsers(tool_call="llama3_json", chat_template=_template("llama3.1_json")),
        sglang=Parsers(tool_call="llama3"),
    ),
    ModelFamily(
        name="Llama 4",
        patterns=("llama-4-*",),
        vllm=Parsers(tool_call="llama4_pythonic", chat_template=_template("llama4_pythonic")),
        sglang=Parsers(tool_call="pythonic"),
    ),
    ModelFamily(
        name="Magistral",
        patterns=("magistral-*",),
        vllm=Parsers(tool_call="mistral", reasoning="mistral"),
        sglang=Parsers(tool_call="mistral", reasoning="mistral"),
    ),
    ModelFamily(
        name="Mistral",
        patterns=("mistral-*", "ministral-*", "devstral-*"),
        vllm=Parsers(tool_call="mistral"),
        sglang=Parsers(tool_call="mistral"),
    ),
    ModelFamily(
        name="gpt-oss",
        patterns=("gpt-oss-*",),
        vllm=Parsers(tool_call="openai", reasoning="openai_gptoss"),
        sglang=Parsers(tool_call="gpt-oss", reasoning="gpt-oss"),
    ),
    ModelFamily(
        name="Muse Glimmer",
        patterns=("muse-glimmer-*",),
        vllm=Parsers(tool_call="muse_glimmer", reasoning="muse_glimmer"),
        sglang=Parsers(tool_call="muse"),
    ),
    ModelFamily(name="LFM2", patterns=("lfm2-*",), vllm=Parsers(tool_call="lfm2"), sglang=Parsers(tool_call="lfm2")),
    ModelFamily(
        name="Phi 4 mini",
        patterns=("phi-4-mini-instruct*",),
        vllm=Parsers(tool_call="phi4_mini_json", chat_template=_template("phi4_mini")),
    ),
    ModelFamily(
        name="SmolLM3", patterns=("smollm3-*",), vllm=Parsers(tool_call="hermes"), sglang=Parsers(tool_call="hermes")
    ),
    ModelFamily(
        name="Gemma 4",
        patterns=("gemma-4-*",),
        vllm=Parsers(tool_call="gemma4", reasoning="gemma4"),
        sglang=Parsers(tool_call="gemma4", reasoning="gemma4"),
    ),
    ModelFamily(
        name="FunctionGemma",
        patterns=("functiongemma-*",),
        vllm=Parsers(tool_call="functiongemma", chat_template=_template("functiongemma")),
    ),
    ModelFamily(
        name="GLM 4.5 and 4.6",
        patterns=("glm-4.5*", "glm-4.6*"),
        vllm=Parsers(tool_call="glm45", reasoning="glm45"),
        sglang=Parsers(tool_call="glm", reasoning="glm45"),
    ),
    ModelFamily(
        name="GLM 4.7",
        patterns=("glm-4.7*",),
        vllm=Parsers(tool_call="glm47", reasoning="glm47"),
        sglang=Parsers(tool_call="glm47", reasoning="glm45"),
    ),
    ModelFamily(name="Granite 4", patterns=("granite-4*",), vllm=Parsers(tool_call="granite4")),
    ModelFamily(
        name="Granite 3.2 and 3.3",
        patterns=("granite-3.2*", "granite-3.3*"),
        vllm=Parsers(tool_call="granite", reasoning="granite"),
    ),
    ModelFamily(name="Granite 3.1", patterns=("granite-3.1*",), vllm=Parsers(tool_call="granite")),
    ModelFamily(name="Olmo 3", patterns=("olmo-3*-think*",), vllm=Parsers(tool_call="olmo3", reasoning="olmo3")),
    ModelFamily(name="Olmo 3 Instruct", patterns=("olmo-3*",), vllm=Parsers(tool_call="olmo3")),
)
"""The first family with a matching pattern is a model's own, so special names come before general ones."""
UNKNOWN: Final = ModelFamily(name="unknown", patterns=())


def family_of(model: str) -> ModelFamily:
    """Return the family of a repository's name; `UNKNOWN`, without parsers, for a name that matches none."""
    name = model.rpartition("/")[2].lower()
    return next((each for each in FAMILIES if any(fnmatchcase(name, pattern) for pattern in each.patterns)), UNKNOWN)
