"""What is made of a measurement: differences, verdicts, a page that stands alone."""

import json
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.bench import criteria, report
from ops.bench.criteria import Judged, judge
from ops.bench.endpoints import GATEWAY, Way
from ops.bench.page import page, strip
from ops.bench.rounds import Series, Setup, added, measure
from ops.errors import WrongAnswerError
from tests.ops.smoke.stage import Stage, staged

READY = datetime(2026, 1, 1, tzinfo=UTC)


def series(model: str, through: str, *rounds: dict[str, float], task: Any = "chat") -> Series:
    return Series(
        task=task, model=model, through=through, engine="gateway" if through == GATEWAY else "vllm", rounds=rounds
    )


def pods(seconds: float = 60) -> Any:
    """Every service has a pod that took so long to be ready."""
    running = SimpleNamespace(
        state=SimpleNamespace(running=SimpleNamespace(started_at=READY - timedelta(seconds=seconds)))
    )
    ready = SimpleNamespace(type="Ready", status="True", last_transition_time=READY)
    pod = SimpleNamespace(status=SimpleNamespace(conditions=[ready], container_statuses=[running]))
    return SimpleNamespace(of=lambda _: [pod])


def forge() -> Plan:
    """Without what would be asked for the GPU's memory in use."""
    settings = load("forge")
    return plan(settings.model_copy(update={"phase": 5}))


MEASURED = [
    series(
        "llama3.1-8b", GATEWAY, {"first_token_ms": 14, "tokens_per_s": 90}, {"first_token_ms": 31, "tokens_per_s": 90}
    ),
    series(
        "llama3.1-8b",
        "vllm-inference",
        {"first_token_ms": 10, "tokens_per_s": 91},
        {"first_token_ms": 29, "tokens_per_s": 91},
    ),
    series("mxbai-embed-large", GATEWAY, {"latency_ms": 40}, {"latency_ms": 60}, task="embeddings"),
    series("mxbai-embed-large", "ollama", {"latency_ms": 39}, {"latency_ms": 50}, task="embeddings"),
]


def test_the_gateways_share_is_the_difference_within_a_round() -> None:
    chat, embeddings = added(MEASURED)
    assert (chat.differences, chat.median) == ([4, 2], 3)
    assert embeddings.differences == [1, 10]


def test_each_criterion_is_judged_or_said_to_be_left_out() -> None:
    judged = judge(forge(), MEASURED, pods())
    found = {verdict.what: verdict.is_met for verdict in judged.verdicts}
    assert found["llama3.1-8b: tokens/s"] is False
    assert found["mxbai-embed-large: one embedding, median"] is True
    assert found["llama3.1-8b: added by the gateway, median"] is True
    assert found["mxbai-embed-large: added by the gateway, median"] is False
    assert found["VRAM by the ledger"] is False  # 26.96Gi are 28.9 GB
    assert found["vllm-inference: last start until ready"] is True
    assert judged.left_out == []
    late = judge(forge(), MEASURED, pods(seconds=301)).verdicts
    assert not next(verdict for verdict in late if verdict.what.startswith("ollama: last start")).is_met


def test_what_a_stack_cannot_show_is_said() -> None:
    judged = judge(plan(load("local")), [], pods())
    assert judged.left_out == [
        "embeddings: the stack has no route for them",
        "tokens/s at 8B: no route leads to a model of that size on a GPU",
        "VRAM: the node has no GPU",
    ]


def test_the_routers_model_of_eight_billion_counts() -> None:
    assert list(criteria._eights(plan(load("forge-llamacpp")))) == [
        "Qwen3-8B-Q4_K_M",
        "Qwen2.5-Coder-7B-Instruct-Q4_K_M",
    ]


def test_the_page_stands_alone_and_is_whole() -> None:
    judged = Judged(verdicts=judge(forge(), MEASURED, pods()).verdicts, left_out=["<why>"])
    about = report.document("forge", MEASURED, judged, Setup())
    text = page(about, MEASURED, judged)
    HTMLParser().feed(text)
    assert "Not judged: &lt;why&gt;" in text
    assert not re.search(r"src=|href=|url\(|@import", text)
    plots = re.findall(r"<svg.*?</svg>", text)
    assert [plot.count("<circle") for plot in plots] == [4, 4, 4]
    assert json.loads(json.dumps(about))["added"][0]["median"] == 3


def test_dots_stand_where_their_figures_are() -> None:
    root = ET.fromstring(strip({"a <b>": [0.0, 10.0], "none": []}))  # noqa: S314 - our own text
    dots = [float(dot.attrib["cx"]) for dot in root.iter("{http://www.w3.org/2000/svg}circle")]
    (middle,) = [line for line in root.iter("{http://www.w3.org/2000/svg}line") if line.attrib["class"] == "middle"]
    assert float(middle.attrib["x1"]) == pytest.approx(sum(dots) / 2)
    assert dots[1] > dots[0]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as found:
        yield found


def ways(stage: Stage, opened: ExitStack) -> dict[str, list[Way]]:
    """To the embedding and the speech of the stage, by the gateway and by hand."""
    services = {service.name: service for service in stage.plan.services}
    found: dict[str, list[Way]] = {}
    for task, model, name in (
        ("embeddings", "mxbai-embed-large", "llama-embed"),
        ("speech", "chatterbox", "chatterbox"),
    ):
        for through, url in ((GATEWAY, stage.url), (services[name].service_name, stage.engines[name].url)):
            http = opened.enter_context(httpx.Client(base_url=url, timeout=10, trust_env=False))
            way = Way(task=task, model=model, through=through, service=services[name], name=model, http=http)  # type: ignore[arg-type]
            found.setdefault(model, []).append(way)
    return found


def test_every_way_is_asked_in_every_round(stage: Stage) -> None:
    setup = Setup(rounds=3, clients=2, shuffle=random.Random(1))  # noqa: S311
    with ExitStack() as opened:
        found = list(measure(ways(stage, opened), setup))
    assert [(each.model, each.through) for each in found] == [
        ("mxbai-embed-large", GATEWAY),
        ("mxbai-embed-large", "llama-embed"),
        ("chatterbox", GATEWAY),
        ("chatterbox", "chatterbox-tts"),
    ]
    for each in found:
        assert len(each.rounds) == 3
        assert {"latency_ms", "crowd_per_s"} <= set(each.rounds[0])
    # One question that is not counted, then in each round one alone and two at once; as many behind the gateway.
    assert len(stage.engines["llama-embed"].calls("/v1/embeddings")) == 2 * (1 + 3 * 3)


def test_another_who_stood_in_is_not_measured(stage: Stage) -> None:
    stage.stop("chatterbox")
    with ExitStack() as opened:
        asked = {"chatterbox": ways(stage, opened)["chatterbox"][:1]}
        with pytest.raises(WrongAnswerError, match="piper stood in for chatterbox-tts"):
            list(measure(asked, Setup(rounds=1)))
