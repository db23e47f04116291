"""Check of the certificate that the ingress serves."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from infra.plan.stack import Plan
from infra.settings.schema import IngressSection
from ops.doctor.certificate import TLS, Certificate, CertificateError, TlsSecret, now, parse
from ops.doctor.check import NodeCheck, Verdict, failure, ok, unknown, warning
from ops.doctor.facts import NodeFacts

SOON: Final = timedelta(days=14)


def certificate(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that the Secret is there and covers the host: without it Traefik serves a certificate of its own."""
    ingress = plan.settings.ingress
    if ingress is None:
        return
    namespace, secret = plan.settings.namespace, facts.tls
    subject = f"Secret {ingress.tls_secret} in {namespace}"
    make = f"`kubectl -n {namespace} create secret tls {ingress.tls_secret} --cert FILE --key FILE`"
    if isinstance(secret, str):
        yield unknown(f"{subject}: {secret}", f"see `kubectl -n {namespace} get secret {ingress.tls_secret}`")
    elif secret is None and ingress.issuer:
        yield ok(f"{subject}: not there yet; cert-manager makes it (issuer {ingress.issuer})")
    elif secret is None:
        before = f"`kubectl create namespace {namespace}` if there is none, then "
        yield failure(f"there is no {subject}: clients would get Traefik's own certificate", before + make)
    elif secret.kind != TLS:
        again = f"`kubectl -n {namespace} delete secret {ingress.tls_secret}`, then "
        yield failure(f"{subject} has the type {secret.kind}, and the ingress needs {TLS}", again + make)
    else:
        yield from _content(subject, secret, ingress)


def _content(subject: str, secret: TlsSecret, ingress: IngressSection) -> Iterator[Verdict]:
    replace = "replace it by a certificate for the host and its key: docs/ingress.md"
    try:
        content = parse(secret)
    except CertificateError as error:
        yield failure(f"{subject}: {error}", replace)
        return
    day = f"{content.ends:%Y-%m-%d}"
    if not content.covers(ingress.host):
        yield failure(f"{subject} is for {_names(content)}, and not for {ingress.host}", replace)
    elif content.ends < now():
        yield failure(f"{subject} ended on {day}", replace)
    elif content.ends < now() + SOON and not ingress.issuer:
        yield warning(f"{subject} ends on {day}", replace)
    else:
        yield ok(f"{subject} is for {ingress.host}, until {day}")


def _names(certificate: Certificate) -> str:
    return ", ".join(certificate.hosts) or "no host"


CHECKS = (NodeCheck(name="certificate", run=certificate, scope="cluster"),)
