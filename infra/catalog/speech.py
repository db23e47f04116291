"""Speech, speakers and audio."""

from infra.catalog.spec import BackendSpec, LiteLlmApi, Probe, Probes, Scratch, SecretEnv, Volume
from infra.quantities import GI, MI
from infra.settings.services import SpeechService, TranscriptionService
from infra.sizing.budget import ResourceClaim


def _probes(path: str, startup: Probe, readiness_delay_s: int = 10, liveness_delay_s: int = 30) -> Probes:
    return Probes(
        startup=startup,
        readiness=Probe(path=path, delay_s=readiness_delay_s, period_s=15),
        liveness=Probe(path=path, delay_s=liveness_delay_s, period_s=30),
    )


SPEACHES = BackendSpec(
    kind="speaches",
    phase=4,
    service="speaches-stt",
    port=8002,
    container_port=8000,
    tasks=("transcription",),
    adapter="openai",
    timeout_s=600,
    litellm=LiteLlmApi(provider="openai"),
    fetches=True,
    image="ghcr.io/speaches-ai/speaches:0.8.3-cpu@sha256:21e3df06d842fb7802ab470dd77c25f0e8c0d22950e8d8c6ae886e851af53ef8",
    claim=ResourceClaim(memory_request=8 * GI, memory_limit=16 * GI, cpu_request=4000, cpu_limit=8000),
    probes=_probes("/health", Probe(path="/health", period_s=15, failures=40)),
    strategy="Recreate",
    options=TranscriptionService,
    volumes=(Volume(name="speaches-model-cache", mount="/models", size=20 * GI),),
    scratch=(Scratch(mount="/tmp", size=4 * GI),),  # noqa: S108 - uploads, inside the container
    environment={
        "HOME": "/tmp",  # noqa: S108 - inside the container
        "HF_HUB_CACHE": "/models",
        "CUDA_VISIBLE_DEVICES": "",  # the GPU belongs to the language models
        "WHISPER__INFERENCE_DEVICE": "cpu",
        "WHISPER__COMPUTE_TYPE": "int8",
        "PRELOAD_MODELS": '["Systran/faster-whisper-large-v3"]',
    },
    user=1000,  # the program is in the home of this user, which others may not enter
)

PIPER = BackendSpec(
    kind="piper",
    phase=4,
    service="piper-tts",
    port=8003,
    container_port=8000,
    tasks=("speech",),
    adapter="openai",
    timeout_s=120,
    litellm=LiteLlmApi(provider="openai"),
    fetches=True,
    image="ghcr.io/matatonic/openedai-speech@sha256:3ef4f857d5a757cfe8e9b61185df1bd3c52c45f950716a54e4399c27c3e91396",
    claim=ResourceClaim(memory_request=GI, memory_limit=4 * GI, cpu_request=1000, cpu_limit=4000),
    probes=_probes("/health", Probe(path="/health", failures=30)),
    strategy="Recreate",
    options=SpeechService,
    volumes=(Volume(name="piper-voices", mount="/app/voices", size=5 * GI),),
    scratch=(
        Scratch(mount="/tmp", size=GI),  # noqa: S108 - inside the container
        Scratch(mount="/app/config", size=MI),  # copies of its defaults, which it writes at each start
    ),
    command=("python", "speech.py", "--xtts_device", "none"),  # `tts-1-hd` would want a GPU
    environment={"HOME": "/tmp"},  # noqa: S108 - inside the container
)

KOKORO = BackendSpec(
    kind="kokoro",
    phase=4,
    service="kokoro-tts",
    port=8006,
    container_port=8000,
    tasks=("speech",),
    adapter="openai",
    timeout_s=120,
    litellm=LiteLlmApi(provider="openai"),
    image=None,  # `engine: cpu` builds it, or the stack file names another
    claim=ResourceClaim(memory_request=GI, memory_limit=2 * GI, cpu_request=1000, cpu_limit=4000),
    probes=_probes("/health", Probe(path="/health", failures=30)),
    strategy="Recreate",
    options=SpeechService,
    scratch=(Scratch(mount="/tmp", size=GI),),  # noqa: S108 - inside the container
    environment={"HOME": "/tmp"},  # noqa: S108 - inside the container
)

CHATTERBOX = BackendSpec(
    kind="chatterbox",
    phase=4,
    service="chatterbox-tts",
    port=8004,
    container_port=8004,
    tasks=("speech",),
    adapter="chatterbox",
    timeout_s=120,
    fetches=True,
    image=None,  # nobody publishes one: the stack file names yours
    claim=ResourceClaim(
        memory_request=4 * GI, memory_limit=16 * GI, cpu_request=2000, cpu_limit=4000, gpus=1, vram=6 * GI
    ),
    probes=_probes(
        "/api/ui/initial-data", Probe(path="/api/ui/initial-data", period_s=15, failures=40), 30, liveness_delay_s=60
    ),
    strategy="Recreate",
    options=SpeechService,
    volumes=(
        Volume(name="chatterbox-model-cache", mount="/app/model_cache", size=10 * GI),
        Volume(name="chatterbox-hf-cache", mount="/app/hf_cache", size=20 * GI),
        Volume(name="synapse-voices", mount="/app/reference_audio", size=5 * GI, is_shared=True),
    ),
    scratch=(
        Scratch(mount="/tmp", size=GI),  # noqa: S108 - inside the container
        Scratch(mount="/app/logs", size=128 * MI),
        Scratch(mount="/app/outputs", size=GI),
    ),
    secrets=(SecretEnv(variable="HF_TOKEN", config_key="hfToken", secret="hf-token", key="token"),),  # noqa: S106
    environment={"HOME": "/tmp"},  # noqa: S108 - inside the container
)

WHISPER = BackendSpec(
    kind="whisper",
    phase=4,
    service="whisper-stt",
    port=8000,
    container_port=8000,
    tasks=("transcription",),
    adapter="whisper",
    timeout_s=600,
    fetches=True,
    image=None,  # nobody publishes one: the stack file names yours
    claim=ResourceClaim(
        memory_request=4 * GI, memory_limit=12 * GI, cpu_request=2000, cpu_limit=6000, gpus=1, vram=4 * GI
    ),
    probes=_probes("/health", Probe(path="/health", period_s=15, failures=40)),
    strategy="Recreate",
    options=TranscriptionService,
    volumes=(Volume(name="whisper-model-cache", mount="/cache/huggingface", size=10 * GI),),
    scratch=(Scratch(mount="/tmp", size=4 * GI),),  # noqa: S108 - uploads, inside the container
    environment={
        "HOME": "/tmp",  # noqa: S108 - inside the container
        "WHISPER_MODEL_SIZE": "large-v3-turbo",
        "WHISPER_DEVICE": "cuda",
        "WHISPER_COMPUTE_TYPE": "float16",
        "WHISPER_MODEL_CACHE_DIR": "/cache/huggingface",
    },
)

PYANNOTE = BackendSpec(
    kind="pyannote",
    phase=4,
    service="pyannote-speaker",
    port=8000,
    container_port=8000,
    tasks=("speakers",),
    adapter="pyannote",
    timeout_s=600,
    fetches=True,
    image=None,  # nobody publishes one: the stack file names yours
    claim=ResourceClaim(
        memory_request=4 * GI, memory_limit=12 * GI, cpu_request=2000, cpu_limit=6000, gpus=1, vram=3 * GI
    ),
    probes=_probes("/health", Probe(path="/health", period_s=15, failures=40)),
    strategy="Recreate",
    options=SpeechService,
    volumes=(Volume(name="pyannote-model-cache", mount="/cache/huggingface", size=10 * GI),),
    scratch=(Scratch(mount="/tmp", size=4 * GI),),  # noqa: S108 - uploads, inside the container
    secrets=(
        SecretEnv(variable="SPEAKER_HF_TOKEN", config_key="hfToken", secret="hf-token", key="token"),  # noqa: S106
    ),
    environment={"HOME": "/tmp", "SPEAKER_DEVICE": "cuda"},  # noqa: S108 - inside the container
)

DEEPFILTER = BackendSpec(
    kind="deepfilter",
    phase=4,
    service="deepfilter-audio",
    port=8000,
    container_port=8000,
    tasks=("audio",),
    adapter="deepfilter",
    timeout_s=600,
    image=None,  # nobody publishes one: the stack file names yours
    # One hour of 48 kHz float stereo peaks near 17 GB.
    claim=ResourceClaim(memory_request=4 * GI, memory_limit=32 * GI, cpu_request=2000, cpu_limit=6000),
    probes=_probes("/health", Probe(path="/health", failures=30)),
    strategy="Recreate",
    options=SpeechService,
    scratch=(Scratch(mount="/tmp", size=8 * GI),),  # noqa: S108 - uploads, inside the container
    environment={"HOME": "/tmp"},  # noqa: S108 - inside the container
)

OPENVOICE = BackendSpec(
    kind="openvoice",
    phase=4,
    service="openvoice-tts",
    port=8005,
    container_port=8000,
    tasks=("speech",),
    adapter="openai",
    timeout_s=120,
    litellm=LiteLlmApi(provider="openai"),
    image=None,  # nobody publishes one: the stack file names yours
    claim=ResourceClaim(
        memory_request=4 * GI, memory_limit=8 * GI, cpu_request=1000, cpu_limit=4000, gpus=1, vram=4 * GI
    ),
    probes=_probes("/health", Probe(path="/health", period_s=15, failures=40)),
    strategy="Recreate",
    scratch=(Scratch(mount="/tmp", size=512 * MI),),  # noqa: S108 - inside the container
    environment={"HOME": "/tmp"},  # noqa: S108 - inside the container
)
