"""Options of llama.cpp's server, read from its source: the table in `common/arg.cpp`."""

import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.upstream.environments import PIP
from tests.upstream.records import RECORDS
from tools import paths
from tools.locks import exclusive
from tools.offline.toolchain import keep
from tools.progress import say

VERSION = RECORDS["llama-router"].version
FILE = "vendor/llama.cpp/common/arg.cpp"
NAMES = re.compile(r'\{("-[^}]*)\}')
VALUE = re.compile(r"\(common_params &[^,)]*,\s*(?:const std::string &|int)")
EXAMPLES = re.compile(r"set_examples\(\{([^}]*)\}\)")
VARIABLE = re.compile(r'set_env\("(\w+)"\)')
SERVED = re.compile("LLAMA_EXAMPLE_(SERVER|COMMON)")


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option: its names, its variable, and True where a value follows."""

    names: tuple[str, ...]
    variable: str | None
    takes_value: bool


def table() -> Path:
    """Return the file with the table, downloaded first where it is missing."""
    folder = paths.cache() / "built" / f"llama-source-{VERSION}"
    with exclusive(paths.cache() / "locks/llama-source", lambda: say("another process fetches llama.cpp; waiting ...")):
        if not folder.exists():
            say(f"fetching the source of llama-cpp-python {VERSION} (75 MB, once per machine) ...")
            keep(folder, _fetch)
    return folder / "arg.cpp"


def _fetch(folder: Path) -> None:
    source = ("--no-deps", "--no-binary", "llama-cpp-python", f"llama-cpp-python=={VERSION}")
    command = [str(PIP.folder() / "bin/python"), "-m", "pip", "download", "--quiet", "--dest", str(folder), *source]
    subprocess.run(command, check=True, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        file = content.extractfile(f"llama_cpp_python-{VERSION}/{FILE}")
        assert file
        (folder / "arg.cpp").write_bytes(file.read())
    archive.unlink()


@cache
def options() -> tuple[Option, ...]:
    """Return the options that the server accepts."""
    return tuple(_options(table().read_text(encoding="utf-8")))


def _options(source: str) -> Iterator[Option]:
    for entry in source.split("add_opt(common_arg(")[1:]:
        head, _, _ = entry.partition("[](")
        names = tuple(name for group in NAMES.findall(head) for name in re.findall(r'"(-[^"]+)"', group))
        examples = EXAMPLES.search(entry)
        if names and (examples is None or SERVED.search(examples[1])):
            variable = VARIABLE.search(entry)
            yield Option(names=names, variable=variable[1] if variable else None, takes_value=bool(VALUE.search(entry)))
