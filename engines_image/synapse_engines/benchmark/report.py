"""Report of all benchmarks as a Markdown table."""

from collections.abc import Callable

from synapse_engines import settings
from synapse_engines.benchmark import noise_reduction, resources, speakers, transcription
from synapse_engines.benchmark.speech_samples import Speaker


async def write(print_line: Callable[[str], None]) -> None:
    """Print each benchmark as soon as it is complete; all of them take minutes."""
    models = settings.load().models
    speaker = Speaker(models)
    print_line("| Benchmark | Result |")
    print_line("| --- | --- |")
    for rows in (transcription.rows, speakers.rows, noise_reduction.rows, resources.rows):
        for description, result in await rows(speaker, models):
            print_line(f"| {description} | {result} |")
