"""The cluster gets hashes of API keys, and the gateway accepts the keys of these hashes."""

import hashlib

import pytest

from infra.settings.api_keys import hashed
from synapse_gateway.auth.keys import Keys

ONE = hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize(
    ("entries", "hashes"),
    [
        ("one", f"sha256:{ONE}"),
        ("one;name=ci;scope=admin", f"sha256:{ONE};name=ci;scope=admin"),
        (f" one , sha256:{ONE};rpm=6,", f"sha256:{ONE},sha256:{ONE};rpm=6"),
        ("", ""),
    ],
)
def test_a_key_is_replaced_by_its_hash(entries: str, hashes: str) -> None:
    assert hashed(entries) == hashes


def test_the_gateway_identifies_the_owner_of_a_key() -> None:
    key = Keys(hashed("one;name=ci;scope=admin,two").split(",")).identify("Bearer one", "admin")
    assert (key.name, key.is_admin) == ("ci", True)
