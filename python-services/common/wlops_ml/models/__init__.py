"""The models WLOps can train: built-in ones that learn from scratch in seconds, and Hugging Face ones.

Start with ``catalog`` (names and hyperparameters), ``base`` (what the evaluator sees), ``learner`` (what the training loop sees)
and ``load`` (a finished model folder back to a predictor). Importing this package imports neither torch nor transformers.
"""
