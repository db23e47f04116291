"""The local stack, brought up once for all of its tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings.loader import ROOT
from tests.cluster.stack.checkout import Checkout
from tests.cluster.stack.local import STACK, CommandResult, LocalStack, sweep
from tests.shipped import copy_checkout


@pytest.fixture(scope="session")
def brought_up(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalStack, CommandResult]]:
    """The stack, and what its first `up` said. It shares what was built before, and nothing that runs."""
    sweep(state)
    local = LocalStack(folder=tmp_path_factory.mktemp("checkout"), name=f"{STACK}-{os.getpid()}", state=state)
    copy_checkout(local.folder)
    (local.folder / f"Pulumi.{local.name}.yaml").write_bytes((ROOT / "Pulumi.local.yaml").read_bytes())
    try:
        yield local, local.run("up")
    finally:
        local.cluster.delete()


@pytest.fixture(scope="session")
def local(brought_up: tuple[LocalStack, CommandResult]) -> LocalStack:
    return brought_up[0]


@pytest.fixture(scope="session")
def first_up(brought_up: tuple[LocalStack, CommandResult]) -> str:
    return brought_up[1].output


@pytest.fixture(scope="module")
def checkout(local: LocalStack) -> Iterator[Checkout]:
    """Under git for as long as it is used; what was released last is what the other tests find."""
    found = Checkout(local)
    found.git("init", "--quiet")
    found.commit()
    yield found
    shutil.rmtree(local.folder / ".git")
