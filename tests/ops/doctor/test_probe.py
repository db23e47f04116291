"""Output of `nvidia-smi`, and the pod that runs it without a claim to a GPU."""

import pytest

from infra.quantities import MI
from ops.doctor.facts import GPU
from ops.doctor.probe import ProbeError, parse, pod
from tests.ops.doctor.facts import planned


def test_each_line_is_a_gpu() -> None:
    (gpu,) = parse("NVIDIA GeForce RTX 5090, 580.95.05, 32607, 31876, 12.0\n")
    assert (gpu.name, gpu.driver, gpu.compute) == ("NVIDIA GeForce RTX 5090", "580.95.05", "12.0")
    assert (gpu.memory, gpu.free) == (32607 * MI, 31876 * MI)


@pytest.mark.parametrize(
    "output", ["", "NVIDIA-SMI has failed because it couldn't communicate with the driver", "a, b, c, d, e"]
)
def test_other_output_is_quoted(output: str) -> None:
    with pytest.raises(ProbeError, match=output.replace("'", ".") or "sees no GPU"):
        parse(output)


def test_the_pod_claims_no_gpu_and_is_not_restarted() -> None:
    spec = pod(planned().settings.node)["spec"]
    (container,) = spec["containers"]
    assert GPU not in container["resources"]["limits"]
    assert (spec["nodeName"], spec["runtimeClassName"], spec["restartPolicy"]) == ("forge", "nvidia", "Never")
