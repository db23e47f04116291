"""Releases of the local stack's gateway: what is broken never takes the place of what serves."""

import json
import os
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
UNWELL = (
    "    found = await call.gateway.health.of(call.gateway.registry.backends.values())\n",
    "    raise FloatingPointError\n",
)


@pytest.fixture
def base(checkout: Checkout) -> Iterator[str]:
    """A commit that is good, and the checkout's again after the test."""
    head = checkout.git("rev-parse", "HEAD")
    yield head
    checkout.git("reset", "--quiet", "--hard", head)


def released(local: LocalStack) -> tuple[int, dict[str, Any]]:
    done = local.attempt("release", "--json")
    assert done.stdout.strip(), done.stderr
    return done.code, json.loads(done.stdout)


def test_a_tree_that_is_not_committed_is_refused(checkout: Checkout, base: str) -> None:
    before = images(checkout.local)
    checkout.append("__init__.py", "# not committed\n")
    done = checkout.local.attempt("release")
    assert (done.code, done.stdout) == (1, "")
    assert "commit them, or put them away" in done.stderr
    assert " M gateway_image/synapse_gateway/__init__.py" in done.stderr
    assert images(checkout.local) == before


def test_one_that_crashes_is_rolled_back_and_nobody_notices(checkout: Checkout, base: str) -> None:
    before = images(checkout.local)
    checkout.append("__init__.py", CRASH)
    commit = checkout.commit()
    with load(checkout.local.url, embed) as answers:
        code, document = released(checkout.local)
    assert set(answers) == {"ok"}
    assert (code, document["outcome"], document["commit"]) == (ROLLED_BACK, "rolledBack", commit)
    assert images(checkout.local) == before  # the very same pods
    assert {document["previous"], document["serving"]} == set(before.values())
    assert document["image"] not in before.values()
    assert "ended with exit code 1" in document["reason"]
    ((broken, said),) = document["logs"].items()
    assert broken not in before
    assert "no setting of that name: canary" in said


def test_one_that_is_up_and_not_well_is_rolled_back(checkout: Checkout, base: str) -> None:
    before = set(images(checkout.local).values())
    health = checkout.local.folder / PACKAGE / "routes/health.py"
    text = health.read_text()
    assert UNWELL[0] in text
    health.write_text(text.replace(*UNWELL))
    checkout.commit()
    done = checkout.local.attempt("release")
    assert done.code == ROLLED_BACK, done.output
    assert "not released: GET http://127.0.0.1:" in done.stdout
    assert "/health: 500" in done.stdout
    assert "FloatingPointError in " in done.stdout  # what its pod said last
    assert "rolled back from" in done.stdout
    assert set(images(checkout.local).values()) == before


def test_one_that_was_killed_leaves_the_former_serving_and_the_next_completes(checkout: Checkout) -> None:
    """What it releases in the end stays in the checkout, as the tests after it expect."""
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

    again, same = released(local)  # what is released already stays as it is
    assert (again, same["image"], same["previous"]) == (0, document["image"], document["image"])
    assert [pod["name"] for pod in same["pods"]] == [pod["name"] for pod in document["pods"]]
