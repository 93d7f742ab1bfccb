"""What the forkserver of this service imports once. Read before anything else is imported."""

PRELOAD = ("numpy", "sklearn.feature_extraction.text", "sklearn.linear_model")
