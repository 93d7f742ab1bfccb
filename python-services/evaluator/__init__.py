"""The model evaluator: scores, bad cases, slices and suggestions."""
