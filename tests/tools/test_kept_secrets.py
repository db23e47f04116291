"""Secrets in the folder of an engine."""

import stat
from pathlib import Path

import pytest

from tools.offline.kept_secrets import KeptSecrets
from tools.offline.passphrase import Passphrase, PassphraseError

KEY = "synapse:hfToken"
VALUE = "hf_canary_4711"


@pytest.fixture
def kept(tmp_path: Path) -> KeptSecrets:
    return KeptSecrets(tmp_path / "engine")


def test_a_secret_stays_encrypted_in_a_private_file(kept: KeptSecrets) -> None:
    kept.set(KEY, VALUE)
    assert kept.get(KEY) == VALUE
    assert VALUE not in kept.file.read_text()
    assert stat.S_IMODE(kept.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.passphrase_file.stat().st_mode) == 0o600
    assert list(kept.config()) == [KEY]


def test_all_secrets_are_under_one_salt_which_the_stack_file_may_have_had(kept: KeptSecrets) -> None:
    salt = Passphrase.new(kept.ensure_passphrase()).salt
    kept.set(KEY, VALUE, salt)
    kept.set("synapse:apiKeys", "key", Passphrase.new("ignored").salt)
    assert kept.salt == salt
    assert (kept.get(KEY), kept.get("synapse:apiKeys")) == (VALUE, "key")


def test_the_salt_of_an_engine_that_has_deployed_is_used(kept: KeptSecrets) -> None:
    salt = Passphrase.new(kept.ensure_passphrase()).salt
    (kept.state / "project").mkdir()
    (kept.state / "project/Pulumi.local.yaml").write_text(f"encryptionsalt: {salt}\n")
    kept.set(KEY, VALUE)
    assert kept.salt == salt


def test_a_removed_secret_is_gone(kept: KeptSecrets) -> None:
    kept.set(KEY, VALUE)
    assert kept.remove(KEY)
    assert not kept.remove(KEY)
    assert kept.get(KEY) is None


def test_a_lost_passphrase_is_named_and_never_replaced(kept: KeptSecrets) -> None:
    kept.set(KEY, VALUE)
    kept.passphrase_file.unlink()
    with pytest.raises(PassphraseError, match=rf"^{kept.passphrase_file}: missing or empty, and {kept.file} "):
        kept.set("synapse:apiKeys", "key")
    assert not kept.passphrase_file.exists()


def test_the_passphrase_of_a_deployed_stack_is_not_replaced(kept: KeptSecrets) -> None:
    checkpoint = kept.state / "backend/.pulumi/stacks/synapse/local.json"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("{}")
    with pytest.raises(PassphraseError, match="missing"):
        kept.ensure_passphrase()


def test_a_passphrase_of_another_engine_is_named(kept: KeptSecrets) -> None:
    kept.set(KEY, VALUE)
    kept.passphrase_file.write_text("another")
    with pytest.raises(PassphraseError, match=rf"^{kept.passphrase_file}: does not open"):
        kept.get(KEY)
    with pytest.raises(PassphraseError, match=rf"^{kept.passphrase_file}: does not open"):
        kept.set(KEY, VALUE)


def test_an_empty_passphrase_counts_as_none(kept: KeptSecrets) -> None:
    kept.state.mkdir()
    kept.passphrase_file.touch()
    assert len(kept.ensure_passphrase()) > 32


@pytest.mark.parametrize("cut", [0, 1, 20, 100])
def test_a_file_that_was_cut_off_is_named_and_not_taken_for_no_secrets(kept: KeptSecrets, cut: int) -> None:
    kept.set(KEY, VALUE)
    whole = kept.file.read_text()
    kept.file.write_text(whole[:cut])
    with pytest.raises(PassphraseError, match=rf"^{kept.file}: cannot be read"):
        kept.config()
    with pytest.raises(PassphraseError, match="cannot be read"):
        kept.set("synapse:apiKeys", "key")
    assert kept.file.read_text() == whole[:cut]
