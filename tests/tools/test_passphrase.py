"""Encryption of secrets as Pulumi's passphrase provider does it."""

import pytest

from tools.offline.passphrase import Passphrase, PassphraseError

PHRASE = "a passphrase"


def test_a_value_is_opened_by_the_same_passphrase_and_salt() -> None:
    passphrase = Passphrase.new(PHRASE)
    text = passphrase.encrypt("a välue")
    assert "lue" not in text
    assert Passphrase(PHRASE, passphrase.salt).decrypt(text) == "a välue"


def test_two_texts_of_one_value_differ() -> None:
    passphrase = Passphrase.new(PHRASE)
    assert passphrase.encrypt("value") != passphrase.encrypt("value")


def test_another_passphrase_opens_nothing() -> None:
    passphrase = Passphrase.new(PHRASE)
    other = Passphrase("another", passphrase.salt)
    with pytest.raises(PassphraseError, match="another passphrase"):
        other.decrypt(passphrase.encrypt("value"))
    with pytest.raises(PassphraseError, match="another passphrase"):
        other.check()
    passphrase.check()


@pytest.mark.parametrize("text", ["", "value", "v1:AAAA", "v2:AAAA:AAAA", "v1:!:!", "v1:AAAA:AAAA:AAAA"])
def test_a_text_that_pulumi_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(PassphraseError):
        Passphrase.new(PHRASE).decrypt(text)


@pytest.mark.parametrize("salt", ["", "v1", "v2:AAAA:v1:AAAA:AAAA", "not a salt"])
def test_a_salt_that_pulumi_did_not_write_is_refused(salt: str) -> None:
    with pytest.raises(PassphraseError):
        Passphrase(PHRASE, salt).check()
