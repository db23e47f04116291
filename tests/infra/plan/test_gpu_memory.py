"""GPU memory of a plan: its parts in words, what fits, and what fits by less than the error of its engine."""

import re
from typing import Any

import pulumi
import pytest

from infra.catalog import cards
from infra.errors import SettingsError
from infra.plan.fit import fit
from infra.plan.gpu_memory import gpu_memory_lines
from infra.plan.stack import Plan, plan
from infra.quantities import GI
from infra.settings.engine_services import EngineService
from infra.sizing.budget import Capacity, Gpu, LedgerLine, ResourceClaim
from infra.sizing.gpu_budget import vram_warnings
from tests.conftest import changed, settings_of

SHARED = {
    "model": "nvidia/Qwen3.6-27B-NVFP4",
    "contextTokens": 131_072,
    "cacheTokens": 131_072,
    "sequences": 4,
    "kvDtype": "fp8",
}
CARD = cards.usable("rtx-5090")


def planned(**options: Any) -> Plan:
    config = changed("services.vllm.preset", "agents")
    config["synapse:services"]["vllm"] |= options
    return plan(settings_of(config))


def engine(planned_stack: Plan) -> EngineService:
    options = next(each.options for each in planned_stack.services if each.name == "vllm")
    assert isinstance(options, EngineService)
    return options


def test_the_parts_add_up_to_the_claim_and_the_contexts_are_said() -> None:
    (line,) = gpu_memory_lines(planned())
    total, *parts = [float(size) for size in re.findall(r"([\d.]+)Gi", line)]
    assert sum(parts) == pytest.approx(total, abs=0.03)
    assert line.startswith("vllm-inference: 26.91Gi on each GPU = weights 15.26Gi + KV cache 9.18Gi + activations")
    assert line.endswith("its cache holds 2 full contexts of 32,768 tokens at once")


def test_a_shared_cache_says_how_many_contexts_it_holds() -> None:
    (line,) = gpu_memory_lines(planned(**SHARED | {"cacheTokens": 200_000}))
    assert re.search(r"its cache holds 1\.[45] full contexts of 131,072 tokens", line)


def test_fifteen_sequences_do_not_fit_the_forge_and_the_message_says_how_many_do() -> None:
    (violation,) = planned(sequences=15).ledger.violations()
    assert "fits on no GPU (rtx-5090 31.36Gi)" in violation.message
    most = re.search(
        r"at most 2 sequences of 32768 tokens or 15 sequences of (\d+) tokens would fit", violation.message
    )
    assert most
    assert not planned(sequences=2).ledger.violations()
    assert planned(sequences=3).ledger.violations()
    assert not planned(sequences=15, contextTokens=int(most[1])).ledger.violations()
    assert planned(sequences=15, contextTokens=int(most[1]) + 256).ledger.violations()


@pytest.mark.parametrize("change", [{"context_tokens": 1}, {"sequences": 1}])
def test_what_fits_is_the_most_that_fits(change: dict[str, int]) -> None:
    stack = planned(sequences=3)
    service, specs = engine(stack), stack.settings.model_specs
    most = fit(service, specs, CARD, CARD)
    ((key, _),) = change.items()
    largest = getattr(most, key)
    step = 256 if key == "context_tokens" else 1

    def total(value: int) -> int:
        return service.model_copy(update={key: value}).vram(specs, CARD).total

    assert total(largest) <= CARD < total(largest + step)


def test_nothing_fits_a_card_that_is_too_small() -> None:
    config = changed("node.gpus", [{"card": "t4"}])
    (violation,) = plan(settings_of(config)).ledger.violations()
    assert "no context of it would fit" in violation.message


def test_a_tight_plan_is_a_warning_and_no_violation() -> None:
    ledger = planned(**SHARED, eager=False).ledger
    assert not ledger.violations()
    (warning,) = ledger.warnings()
    assert "less than the 1Gi by which the figures of its engine may be wrong" in warning.message
    assert not planned(**SHARED).ledger.warnings()


def test_a_preview_warns_of_a_tight_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks.rendering import manifests  # noqa: PLC0415 - after the patch of the log

    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", messages.append)
    manifests(planned(**SHARED, eager=False))
    assert [message for message in messages if "leaves 0." in message]
    messages.clear()
    manifests(planned())
    assert not messages


def test_a_figure_of_the_stack_file_is_never_tight() -> None:
    line = LedgerLine(
        name="a", claim=ResourceClaim(memory_request=0, memory_limit=0, cpu_request=0, cpu_limit=0, gpus=1, vram=CARD)
    )
    node = Capacity(memory=GI, cpu=1, gpus=(Gpu(name="g", memory=CARD),))
    assert not vram_warnings([line], node)


def test_a_reserve_is_not_planned() -> None:
    config = changed("node.gpus", [{"card": "rtx-5090", "reserve": "6Gi"}])
    (violation,) = plan(settings_of(config)).ledger.violations()
    assert "fits on no GPU (rtx-5090 25.36Gi)" in violation.message


@pytest.mark.parametrize(
    ("gpu", "memory"),
    [
        ({"card": "rtx-5090"}, 31.36),
        ({"name": "rtx-5090", "memory": "32Gi"}, 31.36),  # the card is known by its name
        ({"name": "GPU 0", "card": "rtx-5090", "memory": "30Gi"}, 30),
        ({"name": "a card of tomorrow", "memory": "32Gi"}, 32),
    ],
)
def test_a_gpu_has_what_its_card_has(gpu: dict[str, str], memory: float) -> None:
    (of_node,) = settings_of(changed("node.gpus", [gpu])).node.capacity.gpus
    assert of_node.memory == int(memory * GI)


@pytest.mark.parametrize(
    ("gpu", "remedy"),
    [
        ({"card": "rtx-9999"}, "accepted: card: one of rtx-3060"),
        ({"name": "a card of tomorrow"}, "a card, such as rtx-5090, or a name and the memory that CUDA can use"),
        ({"memory": "32Gi"}, "a name, or a card"),
    ],
)
def test_a_gpu_without_known_memory_is_refused(gpu: dict[str, str], remedy: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_of(changed("node.gpus", [gpu]))
    assert remedy in str(raised.value)
