"""Bus of the terminal feed: a Redis for one channel, with a password if the stack has one."""

import hashlib
from collections.abc import Mapping

import pulumi

from components.backend import BackendComponent, Extras
from infra.catalog.gateway import FEED_CHANNEL, FEED_PASSWORD, FEED_PASSWORD_RULE

COMMANDS = ("auth", "hello", "ping", "publish", "subscribe", "unsubscribe", "quit")
"""Commands that the gateway uses."""


class FeedBus(BackendComponent):
    """One Redis without a volume."""

    pulumi_type = "synapse:components:FeedBus"

    def extras(self) -> Extras:
        rule = f"$({FEED_PASSWORD_RULE})" if FEED_PASSWORD in self.args.secrets else "nopass"
        return Extras(arguments=(*self.args.service.arguments, *account(rule)))

    def secrets(self) -> Mapping[str, pulumi.Output[str]]:
        """Return the secrets with the hash of the password, which is enough for Redis."""
        secrets = dict(super().secrets())
        if FEED_PASSWORD in secrets:
            secrets[FEED_PASSWORD] = secrets[FEED_PASSWORD].apply(password_rule)
        return secrets


def account(rule: str) -> tuple[str, ...]:
    """Return the arguments for the only user of Redis: it may publish to the feed's channel and subscribe to it."""
    allowed = (f"+{command}" for command in COMMANDS)
    return "--user", "default", "on", rule, "resetkeys", "resetchannels", f"&{FEED_CHANNEL}", "-@all", *allowed


def password_rule(password: str) -> str:
    """Return the hash of a password in the notation of Redis' access lists."""
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"
