"""SGLang: one model on a GPU; its memory flags follow from the same figures as the ledger (`SglangService.flags`)."""

from components.backend import Backend


class Sglang(Backend):
    """One SGLang engine; a Recreate rollout releases the GPU before the next pod needs it."""
