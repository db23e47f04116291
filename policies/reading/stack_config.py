"""Stack configuration inside a policy pack.

The engine sends it in a separate call (`ConfigureStack`), from which pulumi-policy 1.21 keeps only the tags, so that
`pulumi.Config` is empty in a pack (pulumi/pulumi-policy, `_PolicyAnalyzerServicer.ConfigureStack`).
"""

import json
from collections.abc import Callable
from typing import Any

import pulumi
from pulumi.runtime import proto
from pulumi_policy import policy

_RECEIVED: dict[str, str] = {}


def value(key: str) -> Any:  # noqa: ANN401 - configuration is JSON
    """Return the value of a full key such as `synapse:node`; None where it is not set."""
    text = _RECEIVED.get(key, pulumi.runtime.get_config(key))
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def listen(then: Callable[[], None]) -> None:
    """Patch the SDK to keep the configuration that the engine sends, and to call *then* after it.

    Call this before the pack is served.
    """
    servicer = policy._PolicyAnalyzerServicer  # noqa: SLF001 - the SDK has no public access to it
    keep_tags = servicer.ConfigureStack

    def configure(
        self: policy._PolicyAnalyzerServicer, request: proto.AnalyzerStackConfigureRequest, context: object
    ) -> proto.AnalyzerStackConfigureResponse:
        _RECEIVED.clear()
        _RECEIVED.update(request.config)
        then()
        response: proto.AnalyzerStackConfigureResponse = keep_tags(self, request, context)
        return response

    servicer.ConfigureStack = configure  # type: ignore[method-assign, assignment]
