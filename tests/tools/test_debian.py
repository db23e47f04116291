"""Find or install Debian programs."""

from pathlib import Path

import pytest

from tools.errors import ToolchainError
from tools.offline.debian import program


def _executable(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a PATH with only the programs of the test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    return folder


def test_a_program_on_path_is_taken(alone: Path) -> None:
    existing = _executable(alone / "redis-server", "exit 0")
    assert program("redis-server") == existing


def test_a_missing_program_is_installed(alone: Path) -> None:
    made = alone / "imagined"
    _executable(alone / "apt-get", f'[ "$1" = update ] && exit 0; printf "#!/bin/sh\\n" > {made}; /bin/chmod +x {made}')
    assert program("imagined", "imagined-package", may_install=True) == made


def test_a_failed_installation_names_the_package(alone: Path) -> None:
    _executable(alone / "apt-get", "exit 100")
    with pytest.raises(ToolchainError, match=r"imagined: not on PATH; .* apt-get install imagined-package"):
        program("imagined", "imagined-package", may_install=True)


def test_nothing_is_installed_where_that_is_not_allowed(alone: Path) -> None:
    _executable(alone / "apt-get", f"printf x > {alone}/touched")
    with pytest.raises(ToolchainError):
        program("imagined", may_install=False)
    assert not (alone / "touched").exists()


def test_no_service_of_a_package_is_started(alone: Path) -> None:
    """Its init scripts and systemd units are left out."""
    calls = alone / "calls"
    _executable(alone / "apt-get", f'echo "$@" >> {calls}; [ "$1" = update ]')
    with pytest.raises(ToolchainError):
        program("imagined", may_install=True)
    install = calls.read_text().splitlines()[-1]
    for path in ("/etc/init.d/*", "/usr/lib/systemd/system/*"):
        assert f"-oDpkg::Options::=--path-exclude={path}" in install
