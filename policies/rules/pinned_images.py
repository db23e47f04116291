"""Images are pinned by digest: what was tested is what runs, whoever pushes to the tag."""

import re
from collections.abc import Iterator

from policies.reading.claims import containers
from policies.reading.pods import Pods
from policies.reading.unknowns import UNKNOWN
from policies.rule import pod_rule

DIGEST = re.compile(r".@sha256:[0-9a-f]{64}")


def _check(pods: Pods) -> Iterator[str]:
    for container in containers(pods.spec):
        image = container.get("image", "" if not pods.owner.is_patch else UNKNOWN)
        if image is not UNKNOWN and not DIGEST.search(str(image)):
            yield f"container {container.get('name')} has image {image!r} without a digest; add @sha256:<digest>"


images_are_pinned = pod_rule("images-are-pinned", "Container images are pinned by digest.", _check)
