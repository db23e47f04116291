"""What `nvidia-smi` prints, read; and a probe that sees every card and claims none."""

import pytest

from infra.quantities import MI
from ops.doctor.facts import GPU
from ops.doctor.probe import ProbeError, cards, pod
from tests.ops.doctor.facts import planned


def test_a_line_is_a_card() -> None:
    (card,) = cards("NVIDIA GeForce RTX 5090, 580.95.05, 32607, 31876, 12.0\n")
    assert (card.name, card.driver, card.compute) == ("NVIDIA GeForce RTX 5090", "580.95.05", "12.0")
    assert (card.memory, card.free) == (32607 * MI, 31876 * MI)


@pytest.mark.parametrize(
    "said", ["", "NVIDIA-SMI has failed because it couldn't communicate with the driver", "a, b, c, d, e"]
)
def test_anything_else_is_quoted(said: str) -> None:
    with pytest.raises(ProbeError, match=said.replace("'", ".") or "sees no card"):
        cards(said)


def test_the_pod_claims_no_card_and_cannot_stay() -> None:
    found = pod(planned().settings.node)["spec"]
    (container,) = found["containers"]
    assert GPU not in container["resources"]["limits"]
    assert (found["nodeName"], found["runtimeClassName"], found["restartPolicy"]) == ("forge", "nvidia", "Never")
