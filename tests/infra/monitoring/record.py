"""Write `recorded/`: the metrics of each engine, from its code at the version of the catalog.

`python -m tests.infra.monitoring.record [KIND...]` fetches them; vLLM alone is half a gigabyte.
LiteLLM is started and scraped. The others need a GPU: theirs are the metrics that their code registers, without
their buckets, and with the labels that it names there. NVIDIA's exporter is in no index.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.infra.monitoring import record_code, record_litellm
from tests.infra.monitoring.recorded import file, heading, version

RECORDERS: Mapping[str, Callable[[str, Path], str]] = {
    "vllm": lambda number, folder: record_code.of_package("vllm", number, folder),
    "sglang": lambda number, folder: record_code.of_package("sglang", number, folder),
    "litellm": record_litellm.record,
}
"""Kind -> function that returns the metrics of a version, with a temporary folder."""


def main(kinds: Sequence[str]) -> None:
    for kind in kinds or RECORDERS:
        with tempfile.TemporaryDirectory(prefix="synapse-record-") as folder:
            text = RECORDERS[kind](version(kind), Path(folder))
        file(kind).write_text(heading(kind) + text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
