"""What can go wrong on the machine itself, before anything is deployed.

ToolsError
├── ToolchainError       a program that cannot be had here
│   └── ChecksumError    a download that is not what was pinned
└── TwinError            a twin that did not start, or is not the one asked for
"""


class ToolsError(Exception):
    """An error for the person at the machine: its message says what to do next."""


class ToolchainError(ToolsError):
    """A program is neither here nor can it be fetched or built; the message names what is missing."""


class ChecksumError(ToolchainError):
    """A release differs from its pinned sha256; nothing of it was kept."""


class TwinError(ToolsError):
    """A process of the twin ended or never became ready; the message has its last log lines."""
