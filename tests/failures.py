"""Failures printed at once: a run that is ended before its summary has named them."""

import pytest

MAX_CHARACTERS = 3000
"""Printed of each failure, from its end; the summary has it whole."""


class FailurePrinter:
    """Plugin that writes each failure to *terminal*."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.line(f"\nFAILED {report.nodeid} ({report.when})\n{report.longreprtext[-MAX_CHARACTERS:]}")


def print_failures(session: pytest.Session) -> None:
    """Print failures in the process that has the terminal."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(terminal, pytest.TerminalReporter) and not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(FailurePrinter(terminal))
