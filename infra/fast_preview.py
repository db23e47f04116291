"""Switch of the patches that only save time of a preview; `SYNAPSE_FAST_PREVIEW=0` turns all of them off.

Together they keep a preview within three times that of an empty program: docs/performance.md. Nothing depends on them.
They are here, in `stacks/fast_registration.py`, `policies/fast_analysis.py`, and in `components/kubernetes.py`, which
loads the SDK's own classes with the switch off.
"""

import atexit
import gc
import os
from typing import Final

SWITCH: Final = "SYNAPSE_FAST_PREVIEW"


def is_on() -> bool:
    return os.environ.get(SWITCH) != "0"


def stop_collecting() -> None:
    """Turn garbage collection off: a program or a pack ends with the preview, and has memory until then.

    Python collects once more as it ends, unless the objects are kept from that.
    """
    if is_on():
        gc.disable()
        atexit.register(gc.freeze)
