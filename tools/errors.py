"""What can go wrong on the machine itself, before anything is deployed.

ToolsError
├── ToolchainError       a program that cannot be had here
│   └── ChecksumError    a download that is not what was pinned
├── ImageError           an image that cannot be built, or handed to where it runs
└── ControlPlaneError    an API server that refused, or a process that does not end
    ├── TwinError        a twin that did not start, or is not the one asked for
    └── ClusterError     a cluster that cannot run here, did not start, or is not the one asked for
"""


class ToolsError(Exception):
    """An error for the person at the machine: its message says what to do next."""


class ToolchainError(ToolsError):
    """A program is neither here nor can it be fetched or built; the message names what is missing."""


class ChecksumError(ToolchainError):
    """A release differs from its pinned sha256; nothing of it was kept."""


class ImageError(ToolsError):
    """An image that could not be built or handed on; the message has the end of the program's log."""


class ControlPlaneError(ToolsError):
    """Kubernetes refused what was asked, or one of its processes cannot be ended; the message has its own words."""


class TwinError(ControlPlaneError):
    """A process of the twin ended or never became ready; the message has its last log lines."""


class ClusterError(ControlPlaneError):
    """A privilege that is missing, or a component that never became ready; the message has what to do next."""
