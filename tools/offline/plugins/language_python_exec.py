"""Run one Pulumi program; the language host starts this file by path in the program's environment."""

import argparse
import asyncio
import logging
import os
import runpy
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pulumi
import pulumi.runtime

SHOWN: Final = 32  # exit status of an error that was already shown to the user
PARENT_CHECK_S: Final = 0.5
WORKERS_PER_OPERATION: Final = 4


def main() -> None:
    """Configure Pulumi from the arguments, then run the program as `__main__`."""
    arguments = _arguments()
    _watch_parent()
    settings = _settings(arguments)
    pulumi.runtime.configure(settings)
    sys.argv = [arguments.program, *arguments.rest]
    os.chdir(arguments.pwd)
    sys.exit(_run(arguments.program, max(settings.parallel or 1, 1) * WORKERS_PER_OPERATION))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("monitor", "engine", "project", "stack", "pwd", "dry_run", "root_directory", "organization"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("program")
    parser.add_argument("rest", nargs="*")
    return parser.parse_args()


def _settings(arguments: argparse.Namespace) -> pulumi.runtime.Settings:
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    return pulumi.runtime.Settings(
        monitor=arguments.monitor,
        engine=arguments.engine,
        project=arguments.project,
        stack=arguments.stack,
        parallel=arguments.parallel,
        dry_run=arguments.dry_run == "true",
        organization=arguments.organization,
        root_directory=arguments.root_directory,
    )


def _run(program: str, workers: int) -> int:
    """Run the program and return its exit status; errors go to the engine's log."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # after a failure there are futures that are not awaited
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(workers)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _program(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1  # as the official host: the engine adds the exit status to the message
    except Exception as error:  # noqa: BLE001 (any error of the program is shown to its author)
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_traceback(error, program)}")
        return SHOWN
    finally:
        executor.shutdown()
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _program(path: str) -> None:
    runpy.run_path(path, run_name="__main__")


def _traceback(error: Exception, program: str) -> str:
    """Return the traceback without the frames above the program."""
    start = Path(program).absolute()
    frames = traceback.extract_tb(error.__traceback__)
    own = [index for index, frame in enumerate(frames) if _within(Path(frame.filename).absolute(), start)]
    limit = own[0] - len(frames) if own else None
    return "".join(traceback.format_exception(type(error), error, error.__traceback__, limit=limit))


def _within(file: Path, start: Path) -> bool:
    return file == start or file == start / "__main__.py"


def _watch_parent() -> None:
    """End with the language host; this file runs in other environments, so it cannot import `process.watch_parent`."""
    parent = os.getppid()

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            never.wait(PARENT_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
