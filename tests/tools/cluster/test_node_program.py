"""Programs of a node: a copy that needs neither the checkout nor its virtual environment."""

import subprocess
import sys
from pathlib import Path

from infra.settings.model import ROOT
from tools.cluster import node_program
from tools.control_plane.credentials import Credentials, User
from tools.node.policy_gate import Pod

MODULES = sorted(path.stem for path in (ROOT / "tools/node").glob("*.py") if path.stem != "__init__")


def test_the_copy_runs_without_the_checkout(tmp_path: Path) -> None:
    node_program.install(tmp_path)
    node_program.install(tmp_path)  # as at the next start
    program = tmp_path / node_program.PROGRAM
    imports = f"import sys, {', '.join(f'tools.node.{module}' for module in MODULES)}"
    script = f"{imports}; print(*(item.__file__ for name, item in sys.modules.items() if name.startswith('tools')))"
    done = subprocess.run(
        [program / node_program.PYTHON, "-s", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(program)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = done.stdout.split()
    assert len(files) > len(MODULES)
    assert all(file.startswith(f"{program}/") for file in files)


def test_the_scripts_of_a_node_have_no_path_of_a_checkout(tmp_path: Path) -> None:
    """A second checkout would take the node for another, and restart it."""
    for text in (node_program.policy_gate(), *node_program.supervisor(tmp_path)):
        assert str(ROOT) not in text
        assert sys.prefix not in text


def test_the_policy_gate_reads_a_kubeconfig_without_a_library(tmp_path: Path) -> None:
    made = Credentials(tmp_path, {"kubelet": User("system:node:it")}, {})
    made.ensure()
    made.write_kubeconfigs({"kubelet": "10.42.0.1:6443"})
    pod = Pod.of("K8S_POD_NAMESPACE=space;K8S_POD_NAME=it", made.kubeconfig("kubelet"))
    assert (pod.connection.host, pod.connection.port, pod.token) == ("10.42.0.1", 6443, made.token("kubelet"))
