"""The local stack, deployed once for all of its tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings.model import ROOT
from tests.cluster.stack.checkout import Checkout
from tests.cluster.stack.local import STACK, CommandResult, LocalStack, sweep
from tests.shipped import copy_checkout


@pytest.fixture(scope="session")
def brought_up(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalStack, CommandResult]]:
    """Deploy the stack on its own cluster, with the shared build cache; yield it and the result of its first `up`."""
    sweep(state)
    local = LocalStack(folder=tmp_path_factory.mktemp("checkout"), name=f"{STACK}-{os.getpid()}", state=state)
    copy_checkout(local.folder)
    (local.folder / f"Pulumi.{local.name}.yaml").write_bytes((ROOT / "Pulumi.local.yaml").read_bytes())
    try:
        yield local, local.run("up")
    finally:
        local.cluster.delete()


@pytest.fixture(scope="module")
def local(brought_up: tuple[LocalStack, CommandResult]) -> LocalStack:
    """Return the stack; deploy it again where the tests before have deleted its cluster."""
    local = brought_up[0]
    if not local.cluster.folder.exists():
        local.run("up", "--skip-smoke")
    return local


@pytest.fixture(scope="session")
def first_up(brought_up: tuple[LocalStack, CommandResult]) -> str:
    return brought_up[1].output


@pytest.fixture(scope="module")
def checkout(local: LocalStack) -> Iterator[Checkout]:
    """Make the stack's folder a git repository for one module; other modules see what was released last."""
    checkout = Checkout(local)
    checkout.git("init", "--quiet")
    checkout.commit()
    yield checkout
    shutil.rmtree(local.folder / ".git")
