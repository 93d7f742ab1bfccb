r"""Generation: the final answer of the completion, compared by value.

The two scores are those of lm-evaluation-harness' ``gsm8k`` task, with values compared in place of their spelling: *flexible*
takes the last number, *strict* the number after ``####``. Beyond the harness, ``\boxed{…}`` is read where a model writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluator.scorers.base import UNSCORED, Judgement
from wlops_ml.answers import final_answer, flexible_answer, parse_number, same_answer, strict_answer

_BOXED = "\\boxed{"


class AnswerScorer:
    """Compares final answers: numbers as numbers, anything else as normalised text."""

    def reference(self, row: Mapping[str, Any]) -> str | None:
        """The row's ``answer``, else the final answer of its completion; None when there is none."""
        return row.get("answer") or final_answer(str(row.get("completion") or ""))

    def why_unscored(self, row: Mapping[str, Any]) -> str:
        """See ``Scorer.why_unscored``."""
        return "no final answer in the completion" if str(row.get("completion") or "").strip() else "no completion"

    def judge(self, reference: str | None, prediction: str) -> Judgement:
        """Right when the prediction's answer has the reference's value; strictly right when it also stands after ``####``."""
        if reference is None:
            return UNSCORED
        numeric = parse_number(reference) is not None
        answer = _last_value(prediction) if numeric else final_answer(prediction)
        strict = strict_answer(prediction) if numeric else _marked(prediction)
        return Judgement(
            scored=True,
            right=answer is not None and same_answer(answer, reference),
            strictly_right=strict is not None and same_answer(strict, reference),
            answered=answer is not None,
        )


def _last_value(prediction: str) -> str | None:
    return (
        final_answer(prediction) if _BOXED in prediction and "####" not in prediction else flexible_answer(prediction)
    )


def _marked(prediction: str) -> str | None:
    return final_answer(prediction) if "####" in prediction else None
