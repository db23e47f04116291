"""Releases of the local stack's gateway: a broken version never replaces the running one."""

import json
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.conftest import eventually
from tests.cluster.stack.checkout import GATEWAY, PACKAGE, Checkout, images
from tests.cluster.stack.load import embed, load
from tests.cluster.stack.local import LocalStack

ROLLED_BACK = 3
CRASH = 'raise SystemExit("no setting of that name: canary")\n'
HEALTH = re.compile(r"^async def health\(.*:\n", re.MULTILINE)
"""First line of the handler of `/health`."""


@pytest.fixture
def base(checkout: Checkout) -> Iterator[str]:
    """Return the current, good commit; reset the checkout to it after the test."""
    head = checkout.git("rev-parse", "HEAD")
    yield head
    checkout.git("reset", "--quiet", "--hard", head)


def released(local: LocalStack) -> tuple[int, dict[str, Any]]:
    done = local.attempt("release", "--json")
    assert done.stdout.strip(), done.stderr
    return done.code, json.loads(done.stdout)


def test_uncommitted_changes_are_refused(checkout: Checkout, base: str) -> None:
    before = images(checkout.local)
    checkout.append("__init__.py", "# not committed\n")
    done = checkout.local.attempt("release")
    assert (done.code, done.stdout) == (1, "")
    assert "commit them, or put them away" in done.stderr
    assert " M gateway_image/synapse_gateway/__init__.py" in done.stderr
    assert images(checkout.local) == before


def test_a_crashing_version_is_rolled_back_without_errors_for_clients(checkout: Checkout, base: str) -> None:
    before = images(checkout.local)
    checkout.append("__init__.py", CRASH)
    commit = checkout.commit()
    with load(checkout.local.url, embed) as results:
        code, document = released(checkout.local)
    assert set(results) == {"ok"}
    assert (code, document["outcome"], document["commit"]) == (ROLLED_BACK, "rolledBack", commit)
    assert images(checkout.local) == before  # the same pods
    assert {document["previous"], document["serving"]} == set(before.values())
    assert document["image"] not in before.values()
    assert "ended with exit code 1" in document["reason"]
    ((broken, log),) = document["logs"].items()
    assert broken not in before
    assert "no setting of that name: canary" in log


def test_an_unhealthy_version_is_rolled_back(checkout: Checkout, base: str) -> None:
    before = set(images(checkout.local).values())
    health = checkout.local.folder / PACKAGE / "api/health.py"
    text, count = HEALTH.subn(lambda match: f"{match[0]}    raise FloatingPointError\n", health.read_text())
    assert count == 1
    health.write_text(text)
    checkout.commit()
    done = checkout.local.attempt("release")
    assert done.code == ROLLED_BACK, done.output
    assert "not released: GET http://127.0.0.1:" in done.stdout
    assert "/health: 500" in done.stdout
    assert "FloatingPointError in " in done.stdout  # last lines of its pod
    assert "rolled back from" in done.stdout
    assert set(images(checkout.local).values()) == before


def test_a_killed_release_keeps_the_previous_version_and_the_next_completes(checkout: Checkout) -> None:
    """The released commit stays in the checkout, which must match the running version."""
    local, base = checkout.local, checkout.git("rev-parse", "HEAD")
    before = images(local)
    checkout.append("__init__.py", CRASH)
    checkout.commit()
    process = local.start("release")
    eventually(lambda: len(local.pods()[GATEWAY]) > len(before), "no pod of the release", 600)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert local.get("/readyz").status_code == 200
    assert images(local) == before

    checkout.git("reset", "--quiet", "--hard", base)
    checkout.append("__init__.py", "# mended\n")
    commit = checkout.commit()
    code, document = released(local)
    assert (code, document["outcome"], document["commit"]) == (0, "released", commit)
    assert {document["previous"]} == set(before.values())
    digest = document["image"].rpartition("@")[2]
    assert [pod["imageId"].rpartition("@")[2] for pod in document["pods"]] == [digest]
    assert set(images(local).values()) == {document["image"]}
    assert document["healthy"]

    again, same = released(local)  # releasing the same commit again changes nothing
    assert (again, same["image"], same["previous"]) == (0, document["image"], document["image"])
    assert [pod["name"] for pod in same["pods"]] == [pod["name"] for pod in document["pods"]]
