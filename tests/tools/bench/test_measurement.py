"""Measurements of the gateway's benchmark, and the end of every process that it starts."""

import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from cli.bench.preview import app
from tests.processes import is_alive
from tests.tools.bench.loads import CORES, load
from tools.bench import report
from tools.bench.load import chat, run_load
from tools.bench.machine import foreign_share
from tools.bench.process import ProbeRequest, RunningProcess, free_port, running
from tools.bench.rounds import BACKEND_LIMITS, BenchmarkSettings, measure, sample
from tools.bench.soak import soak_aborts, soak_requests
from tools.bench.subjects import ProxySetup, proxy, stub
from tools.bench.verdict import all_met
from tools.errors import ToolsError


def test_a_program_is_ended_when_the_measurement_fails(tmp_path: Path) -> None:
    started: list[int] = []

    def fail() -> None:
        with stub(tmp_path, CORES) as backend:
            started.append(backend.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [psutil.pid_exists(pid) for pid in started] == [False]


def test_a_program_that_ends_at_once_is_named_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such option')"]
    probe = ProbeRequest(path="/", headers={})
    with (
        pytest.raises(ToolsError, match=r"peer did not start .*\n.*no such option"),
        running(command, CORES.proxy, free_port(), tmp_path / "peer.log", probe),
    ):
        pass


def test_all_workers_of_the_gateway_are_ended(tmp_path: Path, backend: RunningProcess) -> None:
    setup = ProxySetup(folder=tmp_path / "two", port=free_port(), upstream=backend.port, workers=2)
    with proxy("gateway", setup, CORES) as gateway:
        workers = gateway.processes
        assert len(workers) == 3  # two workers and their supervisor
    assert list(setup.folder.glob("synapse-metrics-*"))  # shared files, in a folder that is removed later
    assert not [worker for worker in workers if is_alive(worker)]


def test_the_cpu_of_the_proxy_is_measured(tmp_path: Path, backend: RunningProcess) -> None:
    setup = ProxySetup(folder=tmp_path / "one", port=free_port(), upstream=backend.port)
    with proxy("gateway", setup, CORES) as gateway:
        taken = sample(load(), gateway, backend, CORES)
    assert (taken.figures.all, taken.figures.errors) == (200, 0)
    assert 10 < taken.cpu_us < 100_000


def test_requests_beyond_the_backends_limits_are_refused_without_errors(
    tmp_path: Path, backend: RunningProcess
) -> None:
    setup = ProxySetup(folder=tmp_path / "full", port=free_port(), upstream=backend.port, backend=BACKEND_LIMITS)
    with proxy("gateway", setup, CORES) as gateway:
        figures = run_load(gateway.port, load(body=chat(wait_ms=20), connections=64, requests=400), CORES.rest)
    assert figures.errors == 0
    assert figures.refused > 0
    assert set(figures.statuses) == {"200", "429"}


def test_a_soak_of_requests_takes_snapshots(tmp_path: Path) -> None:
    soak = soak_requests(tmp_path, 400, snapshots=4)
    assert len(soak.snapshots) == 5
    assert soak.verdicts()[0].value == 400
    assert all_met([verdict for verdict in soak.verdicts() if "memory" not in verdict.what])


def test_a_soak_of_aborts_leaves_no_call_behind(tmp_path: Path) -> None:
    soak = soak_aborts(tmp_path, minutes=0.04, snapshots=4, rate=100)
    assert sum(load.aborted for load in soak.figures) > 0
    assert sum(load.all + load.aborted for load in soak.figures) < 400  # 240, and each connection's first
    assert all_met([verdict for verdict in soak.verdicts() if "memory" not in verdict.what])


def test_a_round_measures_every_subject(tmp_path: Path) -> None:
    setup = BenchmarkSettings(
        folder=tmp_path, subjects=("direct", "gateway"), rounds=1, seconds=0.5, retries=0, curve=(2,)
    )
    (results,) = measure(setup)
    assert set(results) == {"direct", "gateway", "gateway x2", "overload"}
    assert results["gateway"].loads["json"].figures.requests > 0
    assert results["overload"].loads["twice"].figures.refused > 0
    assert {row[0] for row in report.curve([results], setup.curve).rows} == {"gateway x2"}


def test_own_load_is_not_counted_as_foreign() -> None:
    share = foreign_share(lambda: 0.0)
    sum(range(3_000_000))
    assert 0 <= share() <= 1


def test_an_unknown_subject_is_refused() -> None:
    done = CliRunner().invoke(app, ["gateway", "--without", "envoy"])
    assert isinstance(done.exception, ToolsError)
    assert "--without: got envoy; accepted: direct, nginx, gateway, litellm" in str(done.exception)


def test_a_soak_prints_its_verdicts_and_fails_when_one_is_missed() -> None:
    done = CliRunner().invoke(app, ["soak", "--requests", "200", "--minutes", "0", "--looks", "4", "--markdown"])
    assert "| 200 requests: errors | <= 0 | 0 | met |" in done.stdout
    assert done.exit_code == int("MISSED" in done.stdout)
