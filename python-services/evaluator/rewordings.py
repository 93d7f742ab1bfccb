"""Problems to be scored that training rows tell in other words, beside honest ones that are looked for in the same way.

Not here: what a rewording is (``wlops_ml.paraphrases``), and how many of them chance explains (``chance``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluator.chance import Met, contaminated
from wlops_ml.paraphrases import reworded


@dataclass(frozen=True)
class Rewordings:
    """What was found.

    Attributes:
        found: Which scored rows are contamination, shape ``(rows,)``.
        sources: ``source`` of the training row that tells each of those best.
        by_chance: How many other scored rows are told in other words.
        honest: How many honest rows were looked for.
        honest_by_chance: How many of them are told in other words.
    """

    found: npt.NDArray[np.bool_]
    sources: list[str]
    by_chance: int
    honest: int
    honest_by_chance: int


def rewordings(
    training: pl.DataFrame, scored: pl.DataFrame, honest: pl.DataFrame, check: Callable[[], None]
) -> Rewordings:
    """Look for ``scored`` and ``honest`` rows (``id``, ``given``, ``wanted``, ``group``) among ``training``, which has a ``source`` too.

    ``check`` is called now and then and may raise. The order of rows does not matter.
    """
    held_out = pl.concat([scored, honest])
    met = reworded(training, held_out, check)
    expected = np.full(held_out.height, np.inf)
    expected[list(met.expected)] = list(met.expected.values())
    groups = held_out.select(pl.coalesce("group", "id")).to_series().to_numpy().astype(np.str_)
    own, beside = (Met(expected[part], groups[part]) for part in (slice(scored.height), slice(scored.height, None)))
    found = contaminated(own, beside)
    return Rewordings(
        found=found,
        sources=[str(training["source"][met.best[row]]) for row in np.flatnonzero(found).tolist()],
        by_chance=int((own.matched & ~found).sum()),
        honest=honest.height,
        honest_by_chance=int(beside.matched.sum()),
    )
