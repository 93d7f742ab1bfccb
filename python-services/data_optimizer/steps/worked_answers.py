"""Check worked answers of maths problems: every step recomputed, the final answer present and reached.

Applies only where worked answers are the rule in the file: free text that happens to hold an equation is left alone.
"""

from __future__ import annotations

import polars as pl

from data_optimizer.journal import Outcome, removal
from wlops_ml.answers import final_answer, parse_number
from wlops_ml.maths import equation_target, stated_results, worked_steps

_RULE_SHARE = 0.5


def answers_are_worked(rows: pl.DataFrame) -> bool:
    """Whether at least half of the completions show steps and a final answer."""
    worked = sum(bool(worked_steps(text)) and final_answer(text) is not None for text in rows["wanted"].to_list())
    return rows.height > 0 and worked >= _RULE_SHARE * rows.height


def targets_are_the_rule(rows: pl.DataFrame) -> bool:
    """Whether at least half of the completions can be rewritten as equations (the format operator's condition)."""
    return (
        rows.height > 0
        and sum(equation_target(text) is not None for text in rows["wanted"].to_list()) >= _RULE_SHARE * rows.height
    )


def verified(rows: pl.DataFrame) -> Outcome:
    """Take out rows whose worked answer is wrong or leads nowhere."""
    return removal(rows, [fault_of(text) for text in rows["wanted"].to_list()])


def fault_of(completion: str) -> str | None:
    """What is wrong with a worked answer, or None. Steps that cannot be computed (algebra, units) are not held against it."""
    steps = worked_steps(completion)
    if any(step.holds is False for step in steps):
        return "a step does not hold"
    stated = final_answer(completion)
    if stated is None or ("####" in completion and not completion.rpartition("####")[2].strip()):
        return "no final answer"
    answer = parse_number(stated)
    if not steps or answer is None or any(step.holds is None for step in steps):
        return None
    given = answer in {parse_number(result) for result in stated_results(completion)}
    return None if given else "the final answer is not the result of a step"
