"""The startup probe waits as long as loading takes: a shorter one kills the server in the middle, again and again."""

from collections.abc import Iterator
from typing import Any

from infra.annotations import LOAD_SECONDS
from policies.reading.claims import Container
from policies.reading.pods import Pods, at
from policies.reading.unknowns import UNKNOWN, UnprovenError, items
from policies.rule import pod_rule

DEFAULTS = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3}


def _check(pods: Pods) -> Iterator[str]:
    needed = pods.annotations.get(LOAD_SECONDS)
    if needed is None:
        return
    load_s = _seconds(needed, f"annotation {LOAD_SECONDS}")
    waits = [_wait(container) for container in items(pods.spec.get("containers"), "containers")]
    longest_s = max(waits, default=0)
    if longest_s < load_s:
        yield (
            f"loads for up to {load_s} s ({LOAD_SECONDS}), and its startup probe gives up after {longest_s} s; "
            "raise failureThreshold or periodSeconds"
        )


def _wait(container: Container) -> int:
    """Seconds until the startup probe gives up; 0 without one, since liveness then starts at once."""
    if not container.get("startupProbe"):
        return 0
    delay_s, period_s, failures = (
        default if (found := at(container, ("startupProbe", field))) is None else _seconds(found, field)
        for field, default in DEFAULTS.items()
    )
    return delay_s + period_s * failures


def _seconds(value: Any, what: str) -> int:  # noqa: ANN401 - properties are JSON
    if value is UNKNOWN:
        raise UnprovenError(f"its {what} is not known before the update")
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise UnprovenError(f"its {what} is {value!r}, not a whole number") from error


startup_outlasts_loading = pod_rule(
    "startup-outlasts-loading", f"Startup probes wait as long as {LOAD_SECONDS} says that loading takes.", _check
)
