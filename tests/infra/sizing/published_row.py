"""A published figure beside ours, as a row of a table in docs/vram.md."""

from dataclasses import dataclass

from infra.quantities import GI, MI

GB = 10**9
GIB, MIB = ("GiB", GI), ("MiB", MI)


@dataclass(frozen=True)
class Row:
    """A published figure and ours, both in bytes; *unit* and *digits* are those of the publication."""

    model: str
    what: str
    published: float
    ours: int
    source: str
    unit: tuple[str, int] = ("GB", GB)
    digits: int = 2

    @property
    def error(self) -> float:
        """Deviation of our figure, as a share of the published one."""
        return self.ours / self.published - 1

    @property
    def cells(self) -> tuple[str, ...]:
        name, size = self.unit
        published, ours = (f"{figure / size:,.{self.digits}f} {name}" for figure in (self.published, self.ours))
        return self.model, self.what, published, ours, f"{self.error:+.1%}".replace("-0.0%", "+0.0%"), self.source
