"""vLLM: one model on a GPU; its memory flags follow from the same figures as the ledger (`VllmService.flags`)."""

from components.backend import Backend


class Vllm(Backend):
    """One vLLM engine; a Recreate rollout releases the GPU before the next pod needs it."""
