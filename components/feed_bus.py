"""The bus of the terminal feed: Redis, with a password if the stack has one."""

from components.backend import Backend, Extras
from infra.kinds.entry import FEED_PASSWORD


class FeedBus(Backend):
    """One Redis, which keeps nothing."""

    def extras(self) -> Extras:
        kind = self.args.service.backend
        password = ("--requirepass", "$(REDISCLI_AUTH)") if FEED_PASSWORD in self.args.secrets else ()
        return Extras(arguments=(*kind.arguments, *password))
