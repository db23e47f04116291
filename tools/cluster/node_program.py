"""Programs of this repository that a node runs, as a copy in the cluster's folder.

A node outlives the command that started it, and perhaps the checkout: with a copy it needs neither the checkout nor its
virtual environment, and its specification has no path of them. So a second checkout finds the node that it would start.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

import tools
from tools.node.layout import HOME

PROGRAM: Final = "program"
PYTHON: Final = "python"
SOURCES: Final = (
    "__init__.py",
    "node",
    "control_plane/__init__.py",
    "control_plane/files.py",
    "control_plane/networks.py",
)
"""Below tools/: all that the modules of tools/node import."""
INSIDE: Final = HOME / PROGRAM


def install(folder: Path) -> None:
    """Copy the programs into the cluster's folder, with a link to the interpreter of this checkout's environment."""
    root, target = Path(tools.__file__).parent, folder / PROGRAM
    shutil.rmtree(target, ignore_errors=True)
    for source in SOURCES:
        copy = target / root.name / source
        copy.parent.mkdir(parents=True, exist_ok=True)
        if (root / source).is_dir():
            shutil.copytree(root / source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(root / source, copy)
    (target / PYTHON).symlink_to(os.path.realpath(sys.executable))


def supervisor(folder: Path) -> list[str]:
    """Return the command of process 1, before its namespaces have the folder at its place."""
    program = folder / PROGRAM
    return ["/usr/bin/env", f"PYTHONPATH={program}", str(program / PYTHON), "-s", "-m", "tools.node.supervisor"]


def policy_gate() -> str:
    """Return the script that runs the policy gate as a CNI plugin."""
    return f"#!/bin/sh\nPYTHONPATH={INSIDE} exec {INSIDE / PYTHON} -s -m tools.node.policy_gate\n"
