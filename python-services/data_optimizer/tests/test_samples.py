from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data_optimizer.tests.workplace import REPOSITORY, Workplace


def _write(name: str, folder: Path, *options: str) -> dict[str, bytes]:
    script = REPOSITORY / "samples" / f"{name}.py"
    subprocess.run(
        [sys.executable, "-I", str(script), "--out", str(folder), *options], check=True, capture_output=True, timeout=60
    )
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["maths_word_problems", "support_messages"])
def test_a_sample_depends_on_its_seed_alone(name: str, tmp_path: Path) -> None:
    first = _write(name, tmp_path / "a")
    assert _write(name, tmp_path / "b") == first
    assert _write(name, tmp_path / "c", "--seed", "2") != first


def test_the_maths_sample_is_clean_where_it_says_so_and_dirty_elsewhere(workplace: Workplace, tmp_path: Path) -> None:
    files = _write("maths_word_problems", tmp_path / "maths")
    result = workplace.optimise({"source": files["training"], "validation": files["validation"]})
    assert result.task_type == "generation"
    assert result.test is not None
    assert result.mine.rows + result.select.rows + result.test.rows == 900
    reasons = {reason for step in result.steps for reason in step.removed}
    assert reasons >= {
        "not JSON", "blank row", "empty completion", "refused answer", "duplicate", "near-duplicate",
        "a step does not hold", "the final answer is not the result of a step",
    }  # fmt: skip
    assert workplace.rows(result.train)["target"].null_count() == 0
    assert not any("&" in prompt or "<" in prompt for prompt in workplace.rows(result.train)["prompt"])


def test_the_support_sample_has_twelve_intents_in_every_role(workplace: Workplace, tmp_path: Path) -> None:
    result = workplace.optimise({"source": _write("support_messages", tmp_path / "support")["messages"]})
    assert result.label_count == 12
    for role in (result.mine, result.select, result.test):
        assert workplace.rows(role)["label"].n_unique() == 12
