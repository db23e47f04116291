"""Chat and embeddings."""

from infra.catalog.spec import BackendSpec, Download, LiteLlmApi, Probe, Probes, Scratch, SecretEnv, Volume
from infra.quantities import GI, MI
from infra.settings.engine_services import SglangService, VllmService
from infra.settings.language_services import LlamaRouterService, OllamaService
from infra.sizing.budget import ResourceClaim

_THREADS = "LLAMA_ARG_THREADS"
"""Threads of llama.cpp, which counts the cores of the host, and knows no CPU limit."""
_COMPILED = "/models/compiled"
_COMPILED_CACHES = {
    "TRITON_CACHE_DIR": f"{_COMPILED}/triton",
    "TORCHINDUCTOR_CACHE_DIR": f"{_COMPILED}/inductor",
    "FLASHINFER_WORKSPACE_BASE": _COMPILED,  # FlashInfer adds `.cache/flashinfer`
    "TILELANG_CACHE_DIR": f"{_COMPILED}/tilelang",
    "CUDA_CACHE_PATH": f"{_COMPILED}/cuda",
}
"""Caches of the compilers that both GPU engines use, on the PVC: the next start need not compile again."""

OLLAMA = BackendSpec(
    kind="ollama",
    phase=1,
    service="ollama",
    port=11434,
    container_port=11434,
    tasks=("chat", "embeddings"),
    adapter="ollama",
    timeout_s=300,
    litellm=LiteLlmApi(provider="ollama", path="", needs_key=False),
    fetches=True,
    image="docker.io/ollama/ollama:0.32.15@sha256:57d60e686821ea81a7748a3ec8141308c8b8f95b27105713954abf7a6529e700",
    claim=ResourceClaim(memory_request=16 * GI, memory_limit=64 * GI, cpu_request=4000, cpu_limit=16_000),
    probes=Probes(
        startup=Probe(path="/", period_s=10, failures=30),
        readiness=Probe(path="/", delay_s=10),
        liveness=Probe(path="/", delay_s=60, period_s=30),
    ),
    strategy="Recreate",  # two servers would fill the budget twice during a rollout
    options=OllamaService,
    volumes=(Volume(name="ollama-models", mount="/models", size=200 * GI),),
    scratch=(Scratch(mount="/tmp", size=2 * GI),),  # noqa: S108 - inside the container
    environment={
        "HOME": "/models",  # its key pair; the image's own home belongs to root
        "OLLAMA_HOST": "0.0.0.0:11434",
        "OLLAMA_MODELS": "/models",
        "OLLAMA_NO_CLOUD": "1",
        "CUDA_VISIBLE_DEVICES": "",  # the GPU belongs to vLLM
    },
    thread_variable=_THREADS,  # Ollama starts llama.cpp's server with its own environment
)

VLLM = BackendSpec(
    kind="vllm",
    phase=2,
    service="vllm-inference",  # never `vllm`: the injected VLLM_PORT would be read as a setting
    port=8001,
    container_port=8000,
    tasks=("chat",),
    adapter="vllm",
    timeout_s=300,
    litellm=LiteLlmApi(provider="hosted_vllm"),
    fetches=True,
    cuda=13,
    image="docker.io/vllm/vllm-openai:v0.31.0@sha256:c1c9f6fd5c109ba7f0546a59f5b2f15fb87f64c77782e90a27b648b42a8e67c3",
    claim=ResourceClaim(memory_request=32 * GI, memory_limit=48 * GI, cpu_request=4000, cpu_limit=12_000),
    probes=Probes(
        startup=Probe(path="/health", period_s=30, timeout_s=10, failures=30),  # 15 min, and the time of the download
        readiness=Probe(path="/health", period_s=10),
        liveness=Probe(path="/health", period_s=30, timeout_s=10),
    ),
    strategy="Recreate",  # the old pod must let go of the GPU first
    options=VllmService,
    command=("vllm", "serve"),
    metrics="/metrics",
    volumes=(Volume(name="vllm-model-cache", mount="/models", size=100 * GI),),
    scratch=(Scratch(mount="/tmp", size=8 * GI),),  # noqa: S108 - inside the container
    secrets=(SecretEnv(variable="HF_TOKEN", config_key="hfToken", secret="hf-token", key="token"),),  # noqa: S106
    environment={
        "HOME": "/tmp",  # noqa: S108 - caches of compilers that insist on a home
        "USER": "synapse",  # PyTorch asks for the user's name, and the image has none for this uid
        "HF_HOME": "/models",
        "VLLM_CACHE_ROOT": "/models/vllm",  # torch.compile and DeepGEMM too
        **_COMPILED_CACHES,
        "VLLM_NO_USAGE_STATS": "1",
    },
)

SGLANG = BackendSpec(
    kind="sglang",
    phase=2,
    service="sglang-inference",  # never `sglang`, for the same reason: it reads SGLANG_*
    port=30_000,
    container_port=30_000,
    tasks=("chat",),
    adapter="sglang",
    timeout_s=300,
    litellm=LiteLlmApi(provider="openai"),
    fetches=True,
    cuda=13,
    image="docker.io/lmsysorg/sglang:v0.5.21@sha256:b1259f3ea3275f66237c498ea388919729018bc9f01c3d638391e06e2cf3f469",
    claim=ResourceClaim(memory_request=32 * GI, memory_limit=48 * GI, cpu_request=4000, cpu_limit=12_000),
    probes=Probes(  # `/health_generate` has a token made; `/health` looks at the processes alone
        startup=Probe(path="/health_generate", period_s=30, timeout_s=25, failures=30),
        readiness=Probe(path="/health", period_s=10),
        liveness=Probe(path="/health", period_s=30, timeout_s=10),
    ),
    strategy="Recreate",  # the old pod must let go of the GPU first
    options=SglangService,
    metrics="/metrics",
    volumes=(Volume(name="sglang-model-cache", mount="/models", size=100 * GI),),
    scratch=(Scratch(mount="/tmp", size=8 * GI),),  # noqa: S108 - inside the container
    secrets=(SecretEnv(variable="HF_TOKEN", config_key="hfToken", secret="hf-token", key="token"),),  # noqa: S106
    command=("python3", "-m", "sglang.launch_server"),
    environment={
        "HOME": "/tmp",  # noqa: S108 - caches of compilers that insist on a home
        "USER": "synapse",  # PyTorch asks for the user's name, and the image has none for this uid
        "HF_HOME": "/models",
        "SGLANG_CACHE_DIR": f"{_COMPILED}/sglang",  # DeepGEMM and CuTe DSL too
        "SGLANG_JIT_CACHE_DIR": f"{_COMPILED}/sglang/jit",
        **_COMPILED_CACHES,
        "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "false",  # a busy engine must not be restarted
    },
)

_ANY = "0.0.0.0"  # noqa: S104 - every interface of the pod
_HUB = "https://huggingface.co"
_LLAMA_CPP = "ghcr.io/ggml-org/llama.cpp"
_MODELS = Volume(name="synapse-models", mount="/models", size=200 * GI, is_shared=True, is_fetched=True)  # for both

LLAMA_EMBED = BackendSpec(
    kind="llama-embed",
    phase=1,
    service="llama-embed",
    port=8081,
    container_port=8081,
    tasks=("embeddings",),
    adapter="openai",
    timeout_s=60,
    litellm=LiteLlmApi(provider="openai"),
    image=f"{_LLAMA_CPP}:server-b11243@sha256:f9115c95639e60abc09d4ea83b26fd4d56c66aa1174594393335a514da00c283",
    claim=ResourceClaim(memory_request=GI, memory_limit=4 * GI, cpu_request=2000, cpu_limit=8000),
    probes=Probes(
        startup=Probe(path="/health", failures=30),
        readiness=Probe(path="/health", delay_s=10),
        liveness=Probe(path="/health", delay_s=30, period_s=30),
    ),
    strategy="Recreate",  # a second one for a rollout would not fit the CPU budget
    volumes=(_MODELS,),
    scratch=(Scratch(mount="/tmp", size=256 * MI),),  # noqa: S108 - inside the container
    downloads=(
        Download(
            url=f"{_HUB}/ChristianAzinn/mxbai-embed-large-v1-gguf/resolve/main/mxbai-embed-large-v1_fp16.gguf",
            path="/models/embeddings/mxbai-embed-large-v1_fp16.gguf",
            sha256="819c2adf5ce6df2b6bd2ae4ca90d2a69f060afeb438d0c171db57daa02e39c3d",
            size=669_603_712,
        ),
    ),
    arguments=(
        *("--model", "/models/embeddings/mxbai-embed-large-v1_fp16.gguf", "--embedding", "--pooling", "cls"),
        *("--host", _ANY, "--port", "8081", "--ctx-size", "512", "--batch-size", "512"),
    ),
    thread_variable=_THREADS,
)

LLAMA_ROUTER = BackendSpec(
    kind="llama-router",
    phase=2,
    service="llama-router",
    port=8082,
    container_port=8082,
    tasks=("chat",),
    adapter="llama-router",
    timeout_s=300,
    gateway_sets_context=True,
    cuda=12,  # `server-cuda13-` would be the other
    image=f"{_LLAMA_CPP}:server-cuda-b11206@sha256:3e7673cce183a55f97a1bc3c80817f3c61452483c13bc088a6766388af4775fe",
    claim=ResourceClaim(memory_request=16 * GI, memory_limit=64 * GI, cpu_request=4000, cpu_limit=16_000, gpus=1),
    probes=Probes(
        startup=Probe(path="/health", failures=30),
        readiness=Probe(path="/health", delay_s=10),
        liveness=Probe(path="/health", delay_s=30, period_s=30),
    ),
    strategy="Recreate",
    options=LlamaRouterService,
    metrics="/metrics",
    metrics_per_model=True,
    volumes=(_MODELS,),
    scratch=(Scratch(mount="/tmp", size=256 * MI),),  # noqa: S108 - inside the container
    downloads=(
        Download(
            url=f"{_HUB}/unsloth/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q4_K_M.gguf",
            path="/models/llm/Qwen3-8B-Q4_K_M.gguf",
            sha256="120307ba529eb2439d6c430d94104dabd578497bc7bfe7e322b5d9933b449bd4",
            size=5_027_784_512,
        ),
        Download(
            url=f"{_HUB}/unsloth/Qwen2.5-Coder-7B-Instruct-GGUF/resolve/main/Qwen2.5-Coder-7B-Instruct-Q4_K_M.gguf",
            path="/models/llm/Qwen2.5-Coder-7B-Instruct-Q4_K_M.gguf",
            sha256="9a961bb225cb2b9fd84b2297df0d53089895c049d7d9dc5f5f8aebbcd3247872",
            size=4_683_073_504,
        ),
    ),
    arguments=(
        *("--host", _ANY, "--port", "8082", "--models-dir", "/models/llm", "--models-max", "1"),
        *("--no-models-autoload", "--ctx-size", "32768", "--parallel", "1", "--batch-size", "1024"),
        *("--ubatch-size", "512", "--sleep-idle-seconds", "600", "--metrics"),
    ),
    thread_variable=_THREADS,  # the servers that it starts for its models inherit its environment
)
