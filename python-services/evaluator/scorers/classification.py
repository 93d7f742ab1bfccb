"""Classification: the label is right or it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluator.scorers.base import UNSCORED, Judgement


class LabelScorer:
    """Compares labels as they stand; normalising them is the optimizer's work and is done by then."""

    def reference(self, row: Mapping[str, Any]) -> str | None:
        """The row's label; None when it is missing or empty."""
        return row.get("label") or None

    def why_unscored(self, row: Mapping[str, Any]) -> str:  # noqa: ARG002
        """See ``Scorer.why_unscored``."""
        return "no label"

    def judge(self, reference: str | None, prediction: str) -> Judgement:
        """Right when both labels are the same text."""
        if reference is None:
            return UNSCORED
        right = prediction == reference
        return Judgement(scored=True, right=right, strictly_right=right, answered=bool(prediction))
