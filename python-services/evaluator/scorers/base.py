"""The interface of scorers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a scorer says of one prediction.

    ``scored`` is False when the row has no reference to compare with: such a row is neither right nor wrong. A prediction that
    holds no answer (not ``answered``) is wrong. ``strictly_right`` also asks for the form of the answer; without a form it equals
    ``right``.
    """

    scored: bool
    right: bool
    strictly_right: bool
    answered: bool = True


UNSCORED = Judgement(scored=False, right=False, strictly_right=False)


class Scorer(Protocol):
    """Judges predictions of one task type."""

    def reference(self, row: Mapping[str, Any]) -> str | None:
        """The answer the row wants, or None when it has none that can be compared."""

    def why_unscored(self, row: Mapping[str, Any]) -> str:
        """What a row lacks for which ``reference`` gives None, as reports name it."""

    def judge(self, reference: str | None, prediction: str) -> Judgement:
        """Compare a prediction with what ``reference`` gave."""
