"""Parse command lines with an engine's own parser; runs in the engines' environment.

Argument: `vllm` or `sglang`. Input: a JSON list of argument lists. Output, after the engine's own lines: a JSON list of
the refusals, with None for a list that is accepted.
"""

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

Parse = Callable[[Sequence[str]], object]


def vllm() -> Parse:
    arguments_of_serve = import_module("vllm.entrypoints.launchers.cli_args")
    parser = arguments_of_serve.make_arg_parser(import_module("vllm.utils.argparse_utils").FlexibleArgumentParser())

    def parse(arguments: Sequence[str]) -> object:
        parsed: Any = parser.parse_args(list(arguments))
        parsed.chat_template = None  # a file of the image, which the package lacks
        arguments_of_serve.validate_parsed_serve_args(parsed)
        return parsed

    return parse


def sglang() -> Parse:
    parser = argparse.ArgumentParser()
    import_module("sglang.srt.server_args").ServerArgs.add_cli_args(parser)
    return lambda arguments: parser.parse_args(list(arguments))


def refusal(parse: Parse, arguments: Sequence[str]) -> str | None:
    """Return what the parser says against the arguments, a warning of a deprecated flag included."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
            parse(arguments)
    except (SystemExit, ValueError, TypeError) as error:
        return f"{error} {output.getvalue()}"
    return output.getvalue() if "deprecated" in output.getvalue() else None


def main() -> None:
    parse = {"vllm": vllm, "sglang": sglang}[sys.argv[1]]()
    lists: list[Any] = json.load(sys.stdin)
    print("\n" + json.dumps([refusal(parse, arguments) for arguments in lists]))  # noqa: T201


if __name__ == "__main__":
    main()
