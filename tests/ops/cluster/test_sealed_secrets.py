"""Secrets of a stack file that another engine encrypted."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings.model import ROOT
from ops.cluster.sealed_secrets import PASSPHRASE, PASSPHRASE_FILE, STAND_IN, SealedSecrets
from tests.conftest import forge_config
from tools.errors import ToolsError
from tools.offline.passphrase import Passphrase

KEY = "synapse:hfToken"
VALUE = "hf_canary_4711"


@pytest.fixture
def passphrase() -> Passphrase:
    return Passphrase.new("of the official engine")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: Passphrase) -> Path:
    """Write a project whose stack `mine` has a secret, and go there."""
    for variable in (PASSPHRASE, PASSPHRASE_FILE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    write(tmp_path, encryptionsalt=passphrase.salt, config={KEY: {"secure": passphrase.encrypt(VALUE)}})
    return tmp_path


def write(folder: Path, config: dict[str, Any], **keys: str) -> None:
    content = {**keys, "config": {**forge_config(), **config}}
    (folder / "Pulumi.mine.yaml").write_text(yaml.safe_dump(content))


def test_the_files_own_passphrase_opens_it(monkeypatch: pytest.MonkeyPatch, passphrase: Passphrase) -> None:
    monkeypatch.setenv(PASSPHRASE, passphrase.phrase)
    assert SealedSecrets.read("mine").opened("mine", needed=True) == {KEY: VALUE}


def test_a_file_may_hold_the_passphrase(
    monkeypatch: pytest.MonkeyPatch, passphrase: Passphrase, tmp_path: Path
) -> None:
    (tmp_path / "phrase").write_text(f"{passphrase.phrase}\n")
    monkeypatch.setenv(PASSPHRASE_FILE, str(tmp_path / "phrase"))
    assert SealedSecrets.read("mine").opened("mine", needed=True) == {KEY: VALUE}


def test_another_passphrase_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "another")
    with pytest.raises(ToolsError, match=r"does not open the secrets of Pulumi\.mine\.yaml"):
        SealedSecrets.read("mine").opened("mine", needed=True)


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE_FILE, "/nowhere")
    with pytest.raises(ToolsError, match="PULUMI_CONFIG_PASSPHRASE_FILE: got /nowhere: No such file"):
        SealedSecrets.read("mine").opened("mine", needed=True)


def test_without_a_passphrase_the_message_names_both_ways() -> None:
    with pytest.raises(ToolsError) as caught:
        SealedSecrets.read("mine").opened("mine", needed=True)
    assert str(caught.value) == (
        "Pulumi.mine.yaml: synapse:hfToken: encrypted for another engine; accepted: a value that stays with this "
        "deployment: synapse secret set --stack mine hfToken, or the passphrase of the file in "
        "PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
    )


def test_a_command_that_runs_no_program_goes_without() -> None:
    assert SealedSecrets.read("mine").opened("mine", needed=False) == {}


def test_a_kept_value_takes_its_place() -> None:
    assert SealedSecrets.read("mine").without({KEY}).opened("mine", needed=True) == {}


def test_no_passphrase_opens_the_secrets_of_a_cloud(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    write(project, secretsprovider="awskms://alias/mine", encryptedkey="AAAA", config={KEY: {"secure": "v1:A:A"}})
    monkeypatch.setenv(PASSPHRASE, "any")
    with pytest.raises(ToolsError, match=r"synapse secret set --stack mine hfToken$"):
        SealedSecrets.read("mine").opened("mine", needed=True)


def test_a_twin_gets_values_that_open_nothing() -> None:
    assert SealedSecrets.read("mine").stand_ins() == {KEY: STAND_IN}
