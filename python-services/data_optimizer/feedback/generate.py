"""New maths problems for a failing slice: templates of solved problems, filled with new numbers and solved again.

Templates come from the slice's rows in training and in a half of ``mine``; of a ``mine`` row only the wording is used, numbers are drawn.
Those of ``mine`` are not kept out, beyond copies: as often as chance makes a sealed problem it must make one of ``mine``, for by these the
evaluator sees what chance does (``evaluator/chance.py``).
Where training lacks a kind of problem altogether ``mine`` is the only place that has it, so it cannot be done without; the other half,
by near-duplicate group, judges the trial (``Bench.judged``), else it would judge problems by their own sentences.
"""

from __future__ import annotations

from data_optimizer.feedback.bench import Bench, Draft
from data_optimizer.recipe import RecipeEntry
from wlops_ml.maths_templates import Template

#: Draws per wanted row before giving up: small number ranges run out of new problems.
_ATTEMPTS_PER_ROW = 8


def templates_of(bench: Bench, entry: RecipeEntry) -> list[Template]:
    """The different templates of the entry's slice."""
    templates: dict[object, Template] = {}
    for rows in (bench.wordings(), bench.originals()):
        for row in bench.matching(rows, entry.predicate).sort("id").iter_rows(named=True):
            template = Template.from_row({"prompt": row["given"], "completion": row["wanted"]})
            if template is not None:
                templates.setdefault(template.key, template)
    return list(templates.values())


def generate(bench: Bench, entry: RecipeEntry, limit: int) -> int:
    """Add at most ``limit`` new problems to the training rows; answers how many."""
    pool = templates_of(bench, entry)
    if not pool:
        return 0
    rng = bench.rng(entry)
    drafts: list[Draft] = []
    seen: set[str] = set()
    for attempt in range(limit * _ATTEMPTS_PER_ROW):
        if attempt % len(pool) == 0:
            rng.shuffle(pool)
        problem = pool[attempt % len(pool)].instantiate(rng)
        if problem is None or problem["prompt"] in seen:
            continue
        seen.add(problem["prompt"])
        drafts.append((problem["prompt"], problem["completion"], ""))
        if len(drafts) >= limit + limit // 10:
            break
    return bench.accept(drafts, "generate", limit)
