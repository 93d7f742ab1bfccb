"""The optimizer's operators by the names of their steps, each with a version that goes up when it does otherwise with the same rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """One operator: its name over all steps that run it, and its version."""

    name: str
    version: int = 1


#: By the beginning of a step's name: ``parse training`` and ``parse test`` are one operator.
_OPERATORS = {
    "parse": Operator("parse and quarantine", 2),
    "normalise": Operator("normalise", 2),
    "personal data": Operator("mask personal data"),
    "filter": Operator("filter", 2),
    "exact duplicates": Operator("exact duplicates"),
    "near-duplicate": Operator("near-duplicates"),
    "leakage guard": Operator("leakage guard"),
    "paraphrase guard": Operator("leakage guard"),
    "split": Operator("split"),
    "unknown labels": Operator("unknown labels", 2),
    "label issues": Operator("label issues", 2),
    "worked answers": Operator("verify worked answers"),
    "equation targets": Operator("rewrite as equations"),
    "balance": Operator("balance", 2),
    "recipe": Operator("recipe: fix, select, generate, augment, format", 2),
}


def operator_of(step: str) -> Operator:
    """The operator that a step runs; a step that is none of these is one of its own."""
    return next((operator for begin, operator in _OPERATORS.items() if step.startswith(begin)), Operator(step))
