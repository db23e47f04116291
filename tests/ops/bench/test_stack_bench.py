"""Evaluation of a stack benchmark: differences, verdicts, and a self-contained page."""

import json
import random
import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from infra.settings.services import Task
from ops.bench import criteria, report
from ops.bench.criteria import Evaluation, evaluate
from ops.bench.endpoints import GATEWAY, ModelEndpoint
from ops.bench.page import page, strip_plot
from ops.bench.rounds import Series, StackBenchSetup, measure, overheads
from ops.errors import WrongAnswerError
from tests.ops.smoke.stage import Stage

READY = datetime(2026, 1, 1, tzinfo=UTC)


def series(model: str, through: str, *rounds: dict[str, float], task: Any = "chat") -> Series:
    return Series(
        task=task, model=model, through=through, engine="gateway" if through == GATEWAY else "vllm", rounds=rounds
    )


def pods(seconds: float = 60, *, deleted: datetime | None = None) -> Any:
    """Return pods of which each took *seconds* to be ready."""
    running = SimpleNamespace(
        state=SimpleNamespace(running=SimpleNamespace(started_at=READY - timedelta(seconds=seconds)))
    )
    ready = SimpleNamespace(type="Ready", status="True", last_transition_time=READY)
    metadata = SimpleNamespace(deletion_timestamp=deleted)
    pod = SimpleNamespace(metadata=metadata, status=SimpleNamespace(conditions=[ready], container_statuses=[running]))
    return SimpleNamespace(list_pods=lambda _: [pod])


def forge() -> Plan:
    """Return the forge without the exporter, which would be read for the GPU memory in use."""
    settings = load("forge")
    return plan(settings.model_copy(update={"phase": 5}))


MEASURED = [
    series("qwen3-8b", GATEWAY, {"first_token_ms": 14, "tokens_per_s": 90}, {"first_token_ms": 31, "tokens_per_s": 90}),
    series(
        "qwen3-8b",
        "vllm-inference",
        {"first_token_ms": 10, "tokens_per_s": 91},
        {"first_token_ms": 29, "tokens_per_s": 91},
    ),
    series("mxbai-embed-large", GATEWAY, {"latency_ms": 40}, {"latency_ms": 60}, task="embeddings"),
    series("mxbai-embed-large", "ollama", {"latency_ms": 39}, {"latency_ms": 50}, task="embeddings"),
]


def test_the_overhead_is_the_difference_within_a_round() -> None:
    chat, embeddings = overheads(MEASURED)
    assert (chat.differences, chat.median) == ([4, 2], 3)
    assert embeddings.differences == [1, 10]


def test_each_criterion_has_a_verdict_or_a_reason() -> None:
    evaluation = evaluate(forge(), MEASURED, pods())
    met = {verdict.what: verdict.is_met for verdict in evaluation.verdicts}
    assert met["qwen3-8b: tokens/s"] is False
    assert met["mxbai-embed-large: one embedding, median"] is True
    assert met["qwen3-8b: added by the gateway, median"] is True
    assert met["mxbai-embed-large: added by the gateway, median"] is False
    assert met["VRAM by the ledger"] is False  # 26.69Gi are 28.7 GB
    assert met["vllm-inference: last start until ready"] is True
    assert evaluation.left_out == []
    late = evaluate(forge(), MEASURED, pods(seconds=301)).verdicts
    assert not next(verdict for verdict in late if verdict.what.startswith("ollama: last start")).is_met


def test_a_terminating_pod_has_no_start_time() -> None:
    verdicts = evaluate(forge(), MEASURED, pods(deleted=READY)).verdicts
    assert not [verdict for verdict in verdicts if "last start until ready" in verdict.what]


def test_a_criterion_that_a_stack_cannot_show_has_a_reason() -> None:
    evaluation = evaluate(plan(load("local")), [], pods())
    assert evaluation.left_out == [
        "embeddings: the stack has no route for them",
        "tokens/s at 8B: no route leads to a model of that size on a GPU",
        "VRAM: the node has no GPU",
    ]


def test_a_model_of_eight_billion_behind_a_router_counts() -> None:
    assert list(criteria.eight_billion_models(plan(load("forge-llamacpp")))) == [
        "Qwen3-8B-Q4_K_M",
        "Qwen2.5-Coder-7B-Instruct-Q4_K_M",
    ]


def test_the_page_is_self_contained_and_complete() -> None:
    evaluation = Evaluation(verdicts=evaluate(forge(), MEASURED, pods()).verdicts, left_out=["<why>"])
    document = report.document("forge", MEASURED, evaluation, StackBenchSetup())
    text = page(document, MEASURED, evaluation)
    HTMLParser().feed(text)
    assert "No verdict: &lt;why&gt;" in text
    assert not re.search(r"src=|href=|url\(|@import", text)
    plots = re.findall(r"<svg.*?</svg>", text)
    assert [plot.count("<circle") for plot in plots] == [4, 4, 4]
    assert json.loads(json.dumps(document))["added"][0]["median"] == 3


def test_dots_are_placed_by_their_figures() -> None:
    root = ET.fromstring(strip_plot({"a <b>": [0.0, 10.0], "none": []}))  # noqa: S314 - our own text
    dots = [float(dot.attrib["cx"]) for dot in root.iter("{http://www.w3.org/2000/svg}circle")]
    (middle,) = [line for line in root.iter("{http://www.w3.org/2000/svg}line") if line.attrib["class"] == "middle"]
    assert float(middle.attrib["x1"]) == pytest.approx(sum(dots) / 2)
    assert dots[1] > dots[0]


def endpoints(stage: Stage, contexts: ExitStack) -> dict[str, list[ModelEndpoint]]:
    """Return endpoints of an embedding and a speech model, through the gateway and directly."""
    services = {service.name: service for service in stage.plan.services}
    endpoints: dict[str, list[ModelEndpoint]] = {}
    routes: tuple[tuple[Task, str, str], ...] = (
        ("embeddings", "mxbai-embed-large", "llama-embed"),
        ("speech", "chatterbox", "chatterbox"),
    )
    for task, model, name in routes:
        for through, url in ((GATEWAY, stage.url), (services[name].service_name, stage.engines[name].url)):
            http = contexts.enter_context(httpx.Client(base_url=url, timeout=300, trust_env=False))
            endpoint = ModelEndpoint(
                task=task, model=model, through=through, service=services[name], name=model, http=http
            )
            endpoints.setdefault(model, []).append(endpoint)
    return endpoints


def test_every_endpoint_is_probed_in_every_round(stage: Stage) -> None:
    setup = StackBenchSetup(rounds=3, clients=2, shuffle=random.Random(1))  # noqa: S311
    with ExitStack() as contexts:
        results = list(measure(endpoints(stage, contexts), setup))
    assert [(each.model, each.through) for each in results] == [
        ("mxbai-embed-large", GATEWAY),
        ("mxbai-embed-large", "llama-embed"),
        ("chatterbox", GATEWAY),
        ("chatterbox", "chatterbox-tts"),
    ]
    for each in results:
        assert len(each.rounds) == 3
        assert {"latency_ms", "crowd_per_s"} <= set(each.rounds[0])
    # One request that is not counted, then in each round one alone and two at once; as many through the gateway.
    assert len(stage.engines["llama-embed"].calls("/v1/embeddings")) == 2 * (1 + 3 * 3)


def test_a_fallback_is_not_measured(stage: Stage) -> None:
    stage.stop("chatterbox")
    with ExitStack() as contexts:
        selected = {"chatterbox": endpoints(stage, contexts)["chatterbox"][:1]}
        with pytest.raises(WrongAnswerError, match="the fallback piper served in place of chatterbox-tts"):
            list(measure(selected, StackBenchSetup(rounds=1)))
