"""LiteLLM at the pinned version with the configuration of the stack."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.upstream.container import find
from tests.upstream.environments import LITELLM
from tests.upstream.image import python
from tests.upstream.images import configured
from tests.upstream.running import started
from tests.upstream.stack import objects, of_kind

pytestmark = pytest.mark.usefixtures("privileged")
KEY = "sk-of-the-test"
KEYED = {"Authorization": f"Bearer {KEY}"}


def configured_models() -> list[dict[str, Any]]:
    """Return the entries of the configuration that the stack writes."""
    text = find(objects(), "ConfigMap", "litellm-proxy-config")["data"]["config.yaml"]
    models: list[dict[str, Any]] = yaml.safe_load(text)["model_list"]
    return models


def test_litellm_serves_the_routes_of_the_stack(tmp_path: Path) -> None:
    image = configured("litellm", python(LITELLM.folder()))
    with started(of_kind("litellm", LITELLM_MASTER_KEY=KEY), image, tmp_path) as running:
        running.wait_until_ready()
        listed = running.get("/v1/models", headers=KEYED)
        assert listed.status_code == 200, running.log
        served = {model["id"] for model in listed.json()["data"]}
        assert served == {model["model_name"] for model in configured_models()}
        assert running.get("/v1/models").status_code == 401, running.log[-6000:]
        assert running.get("/metrics/").status_code == 200
        assert running.stop() == 0
