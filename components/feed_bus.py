"""The bus of the terminal feed: a Redis that one channel goes through, with a password if the stack has one."""

import hashlib
from collections.abc import Mapping

import pulumi

from components.backend import Backend, Extras
from infra.catalog.gateway import FEED_CHANNEL, FEED_PASSWORD, FEED_PASSWORD_RULE

COMMANDS = ("auth", "hello", "ping", "publish", "subscribe", "unsubscribe", "quit")
"""All that the gateway says to it."""


class FeedBus(Backend):
    """One Redis, which keeps nothing."""

    def extras(self) -> Extras:
        rule = f"$({FEED_PASSWORD_RULE})" if FEED_PASSWORD in self.args.secrets else "nopass"
        return Extras(arguments=(*self.args.service.backend.arguments, *account(rule)))

    def secrets(self) -> Mapping[str, pulumi.Output[str]]:
        """Redis knows the password's hash alone."""
        known = dict(super().secrets())
        if FEED_PASSWORD in known:
            known[FEED_PASSWORD] = known[FEED_PASSWORD].apply(password_rule)
        return known


def account(rule: str) -> tuple[str, ...]:
    """Redis' one user, with the password of *rule*: it may publish to the feed's channel and listen to it."""
    allowed = (f"+{command}" for command in COMMANDS)
    return "--user", "default", "on", rule, "resetkeys", "resetchannels", f"&{FEED_CHANNEL}", "-@all", *allowed


def password_rule(password: str) -> str:
    """How an access list has a password that it does not show."""
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"
