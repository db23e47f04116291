"""Output of the commands: text with brackets is printed whole, and a pipe gets plain columns."""

import ast
import io

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import output
from cli.cluster import _starts
from cli.status import age, short_image
from infra.settings.model import ROOT
from ops.check_results import CheckResult, table

BRACKETS = "got [/tmp/x] of a[0], [bold]"
LONG = "a sentence of many words that is far longer than a line of eighty columns, and is not wrapped for all that"


def results(says: str) -> Table:
    return table([CheckResult(name="disk", state="failure", says=says, do="free some [now]")], f"node {says}")


def test_brackets_are_printed_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(results(BRACKETS))
    output.say(BRACKETS)
    printed = capsys.readouterr().out
    assert printed.count(BRACKETS) == 3
    assert "free some [now]" in printed


def test_brackets_are_printed_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    file, console = io.StringIO(), output.console
    monkeypatch.setattr(output, "console", lambda **_: _terminal(console(), file))
    output.show(results(BRACKETS))
    assert file.getvalue().count(BRACKETS) == 2
    assert "┃ Check" in file.getvalue()


def _terminal(console: Console, file: io.StringIO) -> Console:
    console.file, console._force_terminal, console._width = file, True, 200
    console.no_color = True
    return console


def test_a_pipe_gets_one_line_for_each_row_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    rows = Table("Name", "State", "Detail", title="Services")
    rows.add_row("ollama", Text("ok", style="green"), LONG)
    rows.add_row("a-longer-name", "two\nlines", "日本")
    output.show(rows)
    assert capsys.readouterr().out.splitlines() == [
        "Services",
        "Name           State       Detail",
        f"ollama         ok          {LONG}",
        "a-longer-name  two; lines  日本",
    ]


def test_no_command_prints_by_another_way() -> None:
    """Rich's own console reads brackets as markup."""
    for file in sorted([*ROOT.glob("cli/**/*.py"), *ROOT.glob("ops/**/*.py")]):
        imported = {
            (node.module, name.name)
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        allowed = {"output.py", "pull.py"}  # the latter has progress bars
        assert ("rich.console", "Console") not in imported or file.name in allowed, file
        assert ("rich.markup", "escape") not in imported, file


def test_counts_and_ages_are_words() -> None:
    assert [_starts(1), _starts(2)] == ["started once", "started 2 times"]
    assert [age(seconds) for seconds in (0, 59, 60, 7200, 90_000)] == ["0 s", "59 s", "1 min", "2 h", "1 d"]


def test_an_image_is_shown_without_its_registry() -> None:
    digest = f"sha256:{'ab12' * 16}"
    assert short_image(f"docker.io/vllm/vllm-openai:v0.30.0@{digest}") == "vllm-openai:v0.30.0"
    assert short_image(f"localhost/gateway@{digest}") == "gateway@sha256:ab12"
