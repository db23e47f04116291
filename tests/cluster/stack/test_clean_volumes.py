"""Delete the local stack with its volumes. The one test of its module: the next module deploys the stack again."""

from tests.cluster.stack.local import LocalStack


def test_clean_with_volumes_leaves_nothing(local: LocalStack) -> None:
    output = local.run("clean", "--volumes", "--yes").output
    assert "LOST: PVC synapse-voices" in output
    assert not local.cluster.folder.exists()
