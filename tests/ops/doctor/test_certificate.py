"""Certificate of the ingress: the Secret is there, usable, for the host, and not at its end."""

from dataclasses import replace

import pytest

from ops.doctor.certificate import TLS, TlsSecret
from tests.ops.doctor.facts import HOST, facts, faults, tls_secret

FAULTY: list[tuple[TlsSecret | str | None, str, str, str]] = [
    (None, "failure", "no Secret llm-tls-cert in llm-infra", "create secret tls"),
    ("403 Forbidden", "unknown", "403 Forbidden", "get secret llm-tls-cert"),
    (tls_secret(HOST, kind="Opaque"), "failure", "has the type Opaque", "delete secret llm-tls-cert`, then"),
    (
        tls_secret("arunlabs.com", "*.llm.arunlabs.com"),
        "failure",
        "is for arunlabs.com, *.llm.arunlabs.com, and not for llm.arunlabs.com",
        "docs/ingress.md",
    ),
    (tls_secret(HOST, days=-1), "failure", "ended on", "docs/ingress.md"),
    (tls_secret(HOST, days=13), "warning", "ends on", "docs/ingress.md"),
    (TlsSecret(kind=TLS, certificate=b"no"), "failure", "no certificate in PEM", "docs/ingress.md"),
    (replace(tls_secret(HOST), key=b"no"), "failure", "no unencrypted private key", "docs/ingress.md"),
    (replace(tls_secret(HOST), key=tls_secret(HOST).key), "failure", "belongs to another", "docs/ingress.md"),
]


@pytest.mark.parametrize(("secret", "state", "says", "do"), FAULTY, ids=[row[2] for row in FAULTY])
def test_a_fault_is_reported(secret: TlsSecret | str | None, state: str, says: str, do: str) -> None:
    ((name, verdict, message, advice),) = faults(facts(tls=secret))
    assert (name, verdict) == ("certificate", state)
    assert says in message
    assert do in advice


def test_a_certificate_of_cert_manager_may_be_missing_and_near_its_end() -> None:
    """It makes and renews the Secret itself."""
    for secret in (None, tls_secret(HOST, days=13)):
        assert faults(facts(tls=secret), ingress={"issuer": "letsencrypt"}) == []


def test_a_wildcard_covers_the_host() -> None:
    assert faults(facts(tls=tls_secret("*.arunlabs.com"))) == []
