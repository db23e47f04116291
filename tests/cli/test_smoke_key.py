"""Key of the smoke test at the end of `synapse up`."""

from contextlib import nullcontext

import pytest

from cli import smoke
from cli.options import KEY_VARIABLE
from tests.conftest import planned


@pytest.mark.parametrize(("given", "used"), [("", "kept"), ("given", "given")])
def test_it_is_that_of_the_environment_or_the_first_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, given: str, used: str
) -> None:
    keys: list[str | None] = []

    def run(*_: object, key: str | None) -> bool:
        keys.append(key)
        return True

    monkeypatch.setenv(KEY_VARIABLE, given)
    monkeypatch.setattr(smoke, "locate", lambda *_: nullcontext())
    monkeypatch.setattr(smoke, "admin_key", lambda *_: "kept")
    monkeypatch.setattr(smoke, "_run", run)
    assert smoke.smoke_test(planned(), "forge", None)
    assert keys == [used]
