"""The optimizer's operators: each a pure function from rows to kept and removed rows, the removed ones with a reason."""
