"""Which rewordings of rows to be scored are contamination, and which are chance: judged against rows that nobody trained on.

Problems of a few templates meet in other words again and again, and how often cannot be computed: their numbers are not independent. But
it can be seen, in rows that were held out as the scored ones were. Not here: finding rewordings (``rewordings``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import hypergeom

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

#: Of fewer rows nobody can see how often honest ones are met.
FEW_ROWS = 20
#: The share of chance among rows that count for themselves.
LEVEL = 0.05
#: How often an honest set of rows is taken for one that is met too often; less, for it then costs many rows at a time.
EXCESS_LEVEL = 0.025


@dataclass(frozen=True)
class Met:
    """Rows that were looked for among the training rows.

    ``expected`` has for each how many training rows would match it as well by chance, infinity where none matches it; ``groups`` its
    near-duplicate group. Both have shape ``(rows,)``.
    """

    expected: Floats
    groups: npt.NDArray[np.str_]

    @property
    def matched(self) -> Booleans:
        """Which rows a training row tells in other words, shape ``(rows,)``."""
        return np.isfinite(self.expected)

    @property
    def is_small(self) -> bool:
        """Whether these rows are too few to see by them how often honest ones are matched."""
        return len(self.expected) < FEW_ROWS

    def matched_better_than(self, expected: float) -> Met:
        """The same rows, of which only those count as matched that have less chance than this."""
        return Met(np.where(self.expected < expected, self.expected, np.inf), self.groups)


def contaminated(scored: Met, honest: Met) -> Booleans:
    """The rows of ``scored`` that are matched by more than chance, shape ``(rows,)``.

    A row counts for itself where hardly an honest one is matched as well. Where more rows are matched than of as many ``honest`` ones, so
    many count, those of the best evidence first. The one finds a single row among many that chance made, the other many rows of which
    each could be chance. Of matches that are not expected once in all these rows the excess is looked at by itself: among the others that
    chance makes it would drown.
    """
    once = 1 / max(1, len(scored.expected))
    strong = (rows.matched_better_than(once) for rows in (scored, honest))
    count = max(_outstanding(_p_values(scored, honest)), _excess(scored, honest), _excess(*strong))
    found = np.zeros(len(scored.expected), dtype=bool)
    found[np.argsort(scored.expected, kind="stable")[:count]] = True
    return found


def _p_values(scored: Met, honest: Met) -> Floats:
    """How likely it is that an honest row is matched as well as each; shape ``(rows,)``.

    It is counted among the honest rows (a conformal p-value: Bates et al., 2023), which cannot tell less than one in their number. Where
    none of them is matched as well, the p-value by the row's own numbers may be less. That one takes numbers to be independent, and those
    that go together, as 365 and 24, are not: it is raised by as much as the least honest one is too small for the least of so many.
    """
    computed = -np.expm1(-scored.expected)
    if honest.is_small:
        return computed
    as_well = np.searchsorted(np.sort(honest.expected), scored.expected, side="right")
    usual = 1 / (1 + len(honest.expected))
    least = max(float(-np.expm1(-honest.expected.min())), np.finfo(np.float64).tiny)
    seen, raised = usual * (1 + as_well), computed * max(1.0, usual / least)
    return np.where(as_well == 0, np.minimum(seen, raised), seen)


def _outstanding(p_values: Floats) -> int:
    """How many of the least p-values stand out from among all (Benjamini and Hochberg, 1995)."""
    bounds = LEVEL * np.arange(1, len(p_values) + 1) / max(1, len(p_values))
    return int(np.flatnonzero(np.sort(p_values) <= bounds).max(initial=-1)) + 1


def _excess(scored: Met, honest: Met) -> int:
    """By how many more rows are matched than of as many honest ones; 0 where chance may do that (Fisher's exact test, over groups)."""
    if honest.is_small:
        return 0
    met, groups = (len(np.unique(rows)) for rows in (scored.groups[scored.matched], scored.groups))
    met_beside, groups_beside = (len(np.unique(rows)) for rows in (honest.groups[honest.matched], honest.groups))
    if hypergeom.sf(met - 1, groups + groups_beside, met + met_beside, groups) >= EXCESS_LEVEL:
        return 0
    usual = len(scored.expected) * int(honest.matched.sum()) // len(honest.expected)
    return max(0, int(scored.matched.sum()) - usual)
