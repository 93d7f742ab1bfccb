"""The model trainer: trains, checkpoints and resumes."""
