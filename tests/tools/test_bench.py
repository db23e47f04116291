"""The gateway's benchmark: its own two ends, what it starts and ends, and what it makes of the figures."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from infra.cli.bench import app
from tools.bench import report
from tools.bench.load import Figures, Load, ask_much, chat
from tools.bench.machine import Cores, foreign
from tools.bench.process import Question, Running, ask, free_port, running
from tools.bench.program import SOURCES
from tools.bench.rounds import BOUNDS, Round, Sample, Setup, Visit, measure, sample
from tools.bench.soak import LOOKS, Look, Soak, soak_aborts, soak_requests
from tools.bench.subjects import Place, proxy, stub
from tools.bench.targets import TARGETS, verdicts
from tools.bench.verdict import Verdict, all_met
from tools.errors import ToolsError
from tools.gobuild import READONLY

CORES = Cores.shared()
EVENTS = 65  # of one stream of the stub, with the one that says it is over
PARTS = (b'data: {"a":1}\n\n', b"data: 2\n\ndata: 3\n\n", b"data: [DONE]\n\n", b"")
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + b"".join(
    b"%x\r\n%b\r\n" % (len(part), part) for part in PARTS
)
SEEN = Figures(
    seconds=1,
    requests=100,
    all=100,
    all_events=0,
    events=0,
    errors=0,
    first_error="",
    refused=0,
    aborted=0,
    p50=100,
    p90=100,
    p99=100,
    first_p50=0,
    first_p99=0,
    refused_p99=0,
    statuses={},
)
FIRST = Look(rss_mib=50, descriptors=10, upstream=5, calls=0)


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Running]:
    with stub(tmp_path, CORES) as found:
        yield found


def load(**options: object) -> Load:
    return replace(Load(connections=4, requests=200, seconds=0, warmup_s=0), **options)  # type: ignore[arg-type]


@contextmanager
def saying(answer: bytes) -> Iterator[int]:
    """A server that gives one connection *answer*, and ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def heard(answer: bytes) -> Figures:
    with saying(answer) as port:
        return ask_much(port, load(connections=1, requests=1, is_stream=True), CORES.rest)


# The two ends


def test_every_request_to_the_stub_is_answered(backend: Running) -> None:
    figures = ask_much(backend.port, load(), CORES.rest)
    assert (figures.all, figures.errors, figures.statuses) == (200, 0, {"200": 200})


def test_every_event_of_a_stream_is_counted(backend: Running) -> None:
    figures = ask_much(backend.port, load(body=chat(is_stream=True), is_stream=True), CORES.rest)
    assert (figures.all, figures.events, figures.errors) == (200, 200 * EVENTS, 0)


def test_the_stub_waits_as_long_as_it_is_asked_to(backend: Running) -> None:
    figures = ask_much(backend.port, load(body=chat(wait_ms=30), requests=4), CORES.rest)
    assert figures.p50 >= 29_000


def test_a_rate_is_kept(backend: Running) -> None:
    figures = ask_much(backend.port, load(requests=40, rate=100), CORES.rest)
    assert figures.seconds >= 0.38


def test_clients_that_leave_are_no_errors(backend: Running) -> None:
    leaving = load(aborts=0.5, body=chat(is_stream=True, wait_ms=5), is_stream=True, requests=60)
    figures = ask_much(backend.port, leaving, CORES.rest)
    assert figures.aborted > 0
    assert figures.errors == 0


def test_a_stream_in_chunks_of_any_size_is_understood() -> None:
    figures = heard(STREAM)
    assert (figures.all, figures.events, figures.errors) == (1, 4, 0)


def test_an_answer_is_understood_however_it_is_cut() -> None:
    done = subprocess.run(["go", "test", "./..."], cwd=SOURCES, env=os.environ | READONLY, check=False)  # noqa: S607
    assert done.returncode == 0


def test_a_stream_that_breaks_off_is_an_error() -> None:
    assert heard(STREAM[:-5]).first_error == "EOF"


def test_a_stream_that_ends_without_its_last_event_is_an_error() -> None:
    assert heard(STREAM.replace(b"[DONE]", b"[GONE]")).first_error == "a stream without its end"


def test_an_answer_that_is_none_is_an_error() -> None:
    assert heard(b"SSH-2.0-OpenSSH_9.2 hello\r\n").errors == 1


def test_a_status_that_is_no_success_is_an_error() -> None:
    figures = heard(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
    assert (figures.errors, figures.first_error) == (1, "status 502")


def test_a_refusal_is_counted_by_itself() -> None:
    figures = heard(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
    assert (figures.refused, figures.errors, figures.requests) == (1, 0, 0)


# What is started is ended


def test_a_program_is_ended_when_the_measurement_fails(tmp_path: Path) -> None:
    started: list[int] = []

    def fail() -> None:
        with stub(tmp_path, CORES) as backend:
            started.append(backend.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [psutil.pid_exists(pid) for pid in started] == [False]


def test_a_program_that_ends_at_once_is_named_with_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such option')"]
    question = Question(path="/", headers={})
    with (
        pytest.raises(ToolsError, match=r"peer did not come up .*\n.*no such option"),
        running(command, CORES.proxy, free_port(), tmp_path / "peer.log", question),
    ):
        pass


def test_all_workers_of_the_gateway_are_ended(tmp_path: Path, backend: Running) -> None:
    place = Place(folder=tmp_path / "two", port=free_port(), upstream=backend.port, workers=2)
    with proxy("gateway", place, CORES) as gateway:
        workers = gateway.processes
        assert len(workers) == 3  # the two, and who keeps them running
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]


# The gateway between them


def test_the_cpu_of_the_proxy_is_measured(tmp_path: Path, backend: Running) -> None:
    place = Place(folder=tmp_path / "one", port=free_port(), upstream=backend.port)
    with proxy("gateway", place, CORES) as gateway:
        taken = sample(load(), gateway, backend, CORES)
    assert (taken.figures.all, taken.figures.errors) == (200, 0)
    assert 10 < taken.cpu_us < 100_000


def test_more_than_the_backend_may_be_given_is_refused_and_nothing_fails(tmp_path: Path, backend: Running) -> None:
    place = Place(folder=tmp_path / "full", port=free_port(), upstream=backend.port, backend=BOUNDS)
    with proxy("gateway", place, CORES) as gateway:
        figures = ask_much(gateway.port, load(body=chat(wait_ms=20), connections=64, requests=400), CORES.rest)
    assert figures.errors == 0
    assert figures.refused > 0
    assert set(figures.statuses) == {"200", "429"}


def test_a_soak_of_requests_looks_at_the_gateway_again_and_again(tmp_path: Path) -> None:
    soak = soak_requests(tmp_path, 400, looks=4)
    assert len(soak.looks) == 5
    assert soak.verdicts()[0].value == 400
    assert all_met([verdict for verdict in soak.verdicts() if "memory" not in verdict.what])


def test_a_soak_of_aborts_leaves_no_call_behind(tmp_path: Path) -> None:
    soak = soak_aborts(tmp_path, minutes=0.04, looks=4, rate=100)
    assert sum(spell.aborted for spell in soak.figures) > 0
    assert sum(spell.all + spell.aborted for spell in soak.figures) < 400  # 240, and each connection's first
    assert all_met([verdict for verdict in soak.verdicts() if "memory" not in verdict.what])


def test_a_round_visits_every_subject(tmp_path: Path) -> None:
    setup = Setup(folder=tmp_path, subjects=("direct", "gateway"), rounds=1, seconds=0.5, retries=0, curve=(2,))
    (found,) = measure(setup)
    assert set(found) == {"direct", "gateway", "gateway x2", "overload"}
    assert found["gateway"].loads["json"].figures.requests > 0
    assert found["overload"].loads["twice"].figures.refused > 0
    assert {row[0] for row in report.curve([found], setup.curve).rows} == {"gateway x2"}


def test_cores_that_are_kept_busy_by_us_are_not_foreign() -> None:
    share = foreign(lambda: 0.0)
    sum(range(3_000_000))
    assert 0 <= share() <= 1


# What is made of the figures


def visit(per_s: float, p50: float = 100, **options: float) -> Visit:
    seen = replace(SEEN, requests=int(per_s), p50=p50)
    loads = {name: Sample(figures=seen, cpu_s=0.01) for name in ("one", "json", "stream", "paced", "crowd", "flood")}
    return Visit(loads=loads, **options)


def one_round(gateway: float, nginx: float, litellm: float) -> Round:
    return {
        "direct": visit(50_000, p50=50),
        "nginx": visit(nginx, p50=150),
        "gateway": visit(gateway, p50=300, rss_mib=60, cold_s=0.5),
        "litellm": visit(litellm, p50=9000),
    }


ROUNDS = [one_round(5000, 20_000, 50), one_round(2000, 6000, 20), one_round(9000, 90_000, 100)]


def cells(rounds: list[Round], title: str) -> Mapping[str, str]:
    subjects = tuple(rounds[0])
    table = report.main(rounds, subjects)
    return next(dict(zip(subjects, row[1:], strict=True)) for row in table.rows if row[0] == title)


def found(what: str) -> Verdict:
    return next(verdict for verdict in verdicts(ROUNDS) if what in verdict.what)


def test_ratios_are_of_each_round_and_not_of_medians() -> None:
    uneven = [one_round(1000, 2000, 1), one_round(2000, 20_000, 1), one_round(3000, 3000, 1)]
    assert verdicts(uneven)[0].value == 0.5  # the ratio of the medians is 2/3
    assert cells(uneven, "... times nginx")["gateway"] == "0.500"


def test_what_a_proxy_adds_is_above_the_way_without_one() -> None:
    assert found("added p50").value == pytest.approx(2.5)
    assert cells(ROUNDS, "1 connection: added p50, us")["gateway"] == "250"


def test_targets_are_met_or_missed() -> None:
    assert found("start to first answer").is_met
    assert Verdict(what="", value=1.1, bound=1).is_met is False
    assert Verdict(what="", value=1.1, bound=1, is_least=True).is_met is True
    assert Verdict(what="it", value=1.1, bound=1, unit=" s").row == ("it", "<= 1 s", "1.1 s", "MISSED")


def test_without_a_peer_there_is_nothing_to_compare_with() -> None:
    alone: list[Round] = [{name: seen for name, seen in one.items() if name in {"direct", "gateway"}} for one in ROUNDS]
    assert cells(alone, "... times nginx")["gateway"] == "-"
    assert not [verdict for verdict in verdicts(alone) if "nginx" in verdict.what or "LiteLLM" in verdict.what]


def test_every_target_is_judged_where_everything_was_measured() -> None:
    overload = Visit(loads={"peak": Sample(figures=SEEN), "twice": Sample(figures=SEEN)})
    assert len(verdicts([{**one, "overload": overload} for one in ROUNDS])) == len(TARGETS)


def test_the_report_says_how_loaded_the_machine_was() -> None:
    busy = {name: Sample(figures=SEEN, foreign=0.5) for name in ("one", "json")}
    assert "on a loaded machine" in report.machine([{"gateway": Visit(loads=busy)}])
    assert "on a quiet machine" in report.machine(ROUNDS)


def soak(*rss_mib: float, last: Look = FIRST) -> list[Verdict]:
    looks = [FIRST, *(replace(FIRST, rss_mib=size) for size in rss_mib)]
    looks[-1] = replace(last, rss_mib=rss_mib[-1])
    return Soak(name="it", figures=[SEEN], looks=looks).verdicts()


def missed(judged: list[Verdict]) -> list[str]:
    return [verdict.what for verdict in judged if not verdict.is_met]


def test_memory_that_grows_is_found_and_what_only_warms_up_is_not() -> None:
    assert missed(soak(*(50 + number for number in range(LOOKS)))) == ["it: growth of memory"]
    assert missed(soak(54, 57, 60, *([61] * LOOKS))) == []


def test_what_a_soak_leaves_behind_is_found() -> None:
    left = soak(50, 50, 50, 50, last=Look(rss_mib=50, descriptors=30, upstream=20, calls=2))
    assert missed(left) == ["it: open files", "it: open files of the backend", "it: calls that did not end"]


# The command


def test_a_subject_that_there_is_not_is_refused() -> None:
    done = CliRunner().invoke(app, ["gateway", "--without", "envoy"])
    assert isinstance(done.exception, ToolsError)
    assert "--without: got envoy; accepted: direct, nginx, gateway, litellm" in str(done.exception)


def test_a_soak_prints_its_verdicts_and_fails_when_one_is_missed() -> None:
    done = CliRunner().invoke(app, ["soak", "--requests", "200", "--minutes", "0", "--looks", "4", "--markdown"])
    assert "| 200 requests: errors | <= 0 | 0 | met |" in done.stdout
    assert done.exit_code == int("MISSED" in done.stdout)


def test_the_stub_says_that_it_is_well(backend: Running) -> None:
    assert ask(backend.port, Question(path="/health", headers={})) == (200, b'{"status":"ok"}')
