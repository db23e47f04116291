"""Add the resources of this commit to those of earlier releases: `python -m tests.stacks.record_released`."""

from tests.shipped import STACKS
from tests.stacks.test_upgrade import RELEASED, recorded, released, resource


def main() -> None:
    """Write the union of both for each shipped stack; a line is never removed by hand."""
    for stack in STACKS:
        names = {*released(stack), *(resource(each.urn) for each in recorded(stack))}
        (RELEASED / f"{stack}.txt").write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


if __name__ == "__main__":
    main()
