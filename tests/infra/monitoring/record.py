"""Write `recorded/`: what each engine exposes, by its own code at the catalog's version.

`python -m tests.infra.monitoring.record [KIND...]` fetches them; vLLM alone is half a gigabyte.
LiteLLM is started and asked. The others start on a GPU only: theirs are the metrics that their code registers, without
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
"""Kind -> what it exposes at a version, worked out in a folder that is then gone."""


def main(kinds: Sequence[str]) -> None:
    for kind in kinds or RECORDERS:
        with tempfile.TemporaryDirectory(prefix="synapse-record-") as folder:
            text = RECORDERS[kind](version(kind), Path(folder))
        file(kind).write_text(heading(kind) + text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
