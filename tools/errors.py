"""Errors of the machine itself, before anything is deployed.

ToolsError
├── ToolchainError       a program that is missing and cannot be fetched or built
│   └── ChecksumError    a download that differs from its pinned checksum
├── ImageError           an image that cannot be built or published
└── ControlPlaneError    a refusal of an API server, or a process that does not end
    ├── TwinError        a twin that did not start, or has other settings
    └── ClusterError     a cluster that cannot run here, did not start, or has other settings
"""


class ToolsError(Exception):
    """An error for the person at the machine: its message says what to do next."""


class ToolchainError(ToolsError):
    """A program is missing and cannot be fetched or built; the message names what to install."""


class ChecksumError(ToolchainError):
    """A release differs from its pinned checksum; it was deleted."""


class ImageError(ToolsError):
    """An image could not be built or published; the message has the end of the program's log."""


class ControlPlaneError(ToolsError):
    """Kubernetes refused a request, or one of its processes does not end; the message has its text."""


class TwinError(ControlPlaneError):
    """A process of the twin ended or did not become ready; the message has its last log lines."""


class ClusterError(ControlPlaneError):
    """A privilege is missing, or a component did not become ready; the message says what to do."""
