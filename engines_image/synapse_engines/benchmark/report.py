"""Report of all benchmarks as a Markdown table."""

from collections.abc import Callable

from synapse_engines.benchmark import noise_reduction, speakers, transcription


async def write(print_line: Callable[[str], None]) -> None:
    """Print each benchmark as soon as it is complete; all of them take minutes."""
    print_line("| Benchmark | Result |")
    print_line("| --- | --- |")
    for rows in (transcription.rows, speakers.rows, noise_reduction.rows):
        for description, result in await rows():
            print_line(f"| {description} | {result} |")
