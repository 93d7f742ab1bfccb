"""From the evaluator's findings to rows: findings become recipe entries, entries are applied to the cleaned source rows."""
