"""Stacks with a reranker: a second vLLM with `task: rerank`."""

from infra.plan.stack import Plan, plan
from tests.conftest import Config, forge_config, settings_of

MODEL = "BAAI/bge-reranker-v2-m3"
SPEC = {"parameters": 567_755_777, "layers": 24, "kvHeads": 0, "headSize": 64, "contextTokens": 8192}


def with_reranker() -> Plan:
    return plan(settings_of(add_reranker(forge_config())))


def add_reranker(config: Config) -> Config:
    """Add the service `reranker`, and the route `bge-reranker` to it."""
    config["synapse:models"] = {MODEL: SPEC}
    config["synapse:services"]["reranker"] = {"kind": "vllm", "task": "rerank", "model": MODEL, "contextTokens": 8192}
    config["synapse:routes"]["bge-reranker"] = [{"service": "reranker", "model": MODEL}]
    return config
