from __future__ import annotations

import json
import re
from pathlib import Path

from wlops_common import errors

GOLDEN = Path(__file__).parents[4] / "src" / "contracts" / "examples" / "error-codes.json"


def test_job_error_codes_and_their_retryability_equal_the_golden_list() -> None:
    golden = {code: entry["retryable"] for code, entry in json.loads(GOLDEN.read_text("utf-8")).items()}
    assert errors.job_fault_codes() == golden


def test_the_tree_in_the_docstring_names_exactly_the_classes_there_are() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.WlopsError)]
    tree = set(re.findall(r"\b[A-Z][A-Za-z]+\b", (errors.WlopsError.__doc__ or "").partition("::")[2]))
    assert tree == {kind.__name__ for kind in kinds}


def test_detail_stays_inside_and_details_go_out() -> None:
    fault = errors.DatasetEmpty("No row.", details={"line": 3}, detail="inside")
    shown = fault.to_job_error().to_json()
    assert shown == {"code": "DATASET_EMPTY", "message": "No row.", "details": {"line": 3}, "retryable": False}
