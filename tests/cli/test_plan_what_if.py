"""`synapse plan --what-if`: the ledger after an edit, before it is made."""

import json
from pathlib import Path

from tests.cli.test_commands import project, synapse
from tests.conftest import forge_config


def test_a_change_that_fits_is_shown_beside_the_present_ledger(tmp_path: Path) -> None:
    done = synapse(
        project(tmp_path, forge_config()), "plan", "--stack", "mine", "--what-if", "context=4096,sequences=8"
    )
    assert done.returncode == 0
    before, after = done.stdout.split("With --what-if:")
    assert before.startswith("As it is:")
    assert "26.91Gi" in before
    assert "22.32Gi" in after


def test_a_change_that_does_not_fit_has_exit_code_1(tmp_path: Path) -> None:
    done = synapse(
        project(tmp_path, forge_config()),
        *("plan", "--stack", "mine", "--what-if", "memory=64Gi", "--what-if", "services.vllm.sequences=4"),
    )
    assert done.returncode == 1
    assert "its 36.09Gi of VRAM (weights 15.26Gi" in done.stderr
    assert "at most 2 sequences of 32768 tokens or 4 sequences of 24320 tokens would fit" in done.stderr
    assert "<- does not fit" in done.stdout.split("With --what-if:")[1]


def test_a_change_that_changes_nothing_shows_one_table(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "plan", "--stack", "mine", "--what-if", "context=32768")
    assert done.returncode == 0
    assert "As it is" not in done.stdout


def test_an_unknown_key_is_a_settings_error(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "plan", "--stack", "mine", "--what-if", "services.vllm.contxt=1")
    assert done.returncode == 1
    assert "synapse:services.vllm.contxt: unknown key; accepted: kind" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_has_both_ledgers_in_one_document(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "plan", "--stack", "mine", "--json", "--what-if", "sequences=9")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["whatIf"] == {"sequences": 9}
    assert (document["before"]["fits"], document["fits"]) == (True, False)
