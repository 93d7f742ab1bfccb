"""The data optimizer: from uploaded files and feedback to the training rows of one iteration."""
