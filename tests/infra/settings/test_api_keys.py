"""No key of the gateway gets into the cluster: what does, opens the gateway for whoever has the key."""

import hashlib

import pytest

from infra.settings.api_keys import hashed
from synapse_gateway.auth.keys import Keys

ONE = hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("one", f"sha256:{ONE}"),
        ("one;name=ci;scope=admin", f"sha256:{ONE};name=ci;scope=admin"),
        (f" one , sha256:{ONE};rpm=6,", f"sha256:{ONE},sha256:{ONE};rpm=6"),
        ("", ""),
    ],
)
def test_a_key_is_known_by_its_hash(written: str, known: str) -> None:
    assert hashed(written) == known


def test_the_gateway_knows_whose_key_it_is() -> None:
    found = Keys(hashed("one;name=ci;scope=admin,two").split(",")).identify("Bearer one", "admin")
    assert (found.name, found.is_admin) == ("ci", True)
