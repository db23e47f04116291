"""Reference of an image: the registry that its name says, its repository, tag and digest."""

from dataclasses import dataclass
from typing import Self

LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """A reference such as `docker.io/prom/prometheus:v3.15.0@sha256:...`; *tag* and *digest* may be empty."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a reference with the host of its registry, as every image of the catalog has one."""
        name, _, digest = text.partition("@")
        host, _, path = name.partition("/")
        repository, _, tag = path.partition(":")
        return cls(host=host, repository=repository, tag=tag, digest=digest)

    @property
    def api(self) -> str:
        """Address of its registry's API; Docker's has a host of its own, and a local one no TLS."""
        host = f"registry-1.{self.host}" if self.host == "docker.io" else self.host
        scheme = "http" if self.host.partition(":")[0] in LOOPBACK else "https"
        return f"{scheme}://{host}"

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}:{self.tag}"
