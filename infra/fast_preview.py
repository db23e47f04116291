"""Patches of the Pulumi SDKs that only save time of a preview; `SYNAPSE_FAST_PREVIEW=0` turns all of them off.

Together they keep a preview within three times that of an empty program: docs/performance.md. Nothing depends on them.
`components/kubernetes.py` is the fourth: with the switch off, it loads the SDK's own classes.
"""

import gc
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

SWITCH: Final = "SYNAPSE_FAST_PREVIEW"
DEBUG: Final = "SYNAPSE_DEBUG"
"""Keeps the SDK's debug lines where it is set; a program cannot read the option `pulumi --debug`."""
MAX_CONVERSIONS: Final = 1024
"""More than the resources of a stack, so that its last check still finds all conversions."""
Convert = Callable[..., Any]


def is_on() -> bool:
    return os.environ.get(SWITCH) != "0"


def stop_collecting() -> None:
    """Turn garbage collection off: a program or a pack ends with the preview, and has memory until then."""
    if is_on():
        gc.disable()


def drop_debug_lines(log: Any) -> None:  # noqa: ANN401 - the module pulumi.log
    """Drop the debug lines of the SDK: several per resource, and the SDK waits for the engine at each of them."""
    if is_on() and DEBUG not in os.environ:
        log.debug = lambda *_, **__: None


def share_conversions(policy: Any, objects: Any) -> None:  # noqa: ANN401 - modules
    """Convert each resource once for all rules, in the modules `pulumi_policy.policy` and `policies.reading.objects`.

    Otherwise the SDK converts it again for each rule. No rule changes its arguments, so the results can be shared.
    """
    if not is_on():
        return
    policy.json_format = SimpleNamespace(MessageToDict=Memo(policy.json_format.MessageToDict))
    policy.deserialize_properties = Memo(policy.deserialize_properties)
    policy.unknown_checking_proxy = Memo(policy.unknown_checking_proxy)
    objects.plain = Memo(objects.plain)


class Memo:
    """A conversion that keeps its results by the identity of the argument, and keeps the argument alive for that."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self._results: dict[int, tuple[object, Any]] = {}

    def __call__(self, value: object, *options: object) -> Any:  # noqa: ANN401 - the result of any conversion
        if options:
            return self._convert(value, *options)
        entry = self._results.get(id(value))
        if entry is None:
            if len(self._results) >= MAX_CONVERSIONS:
                self._results.clear()
            entry = self._results[id(value)] = value, self._convert(value)
        return entry[1]
