"""Machine learning shared by the services: rows, text, answers, features, models. Nothing here knows of tasks, users or the loop."""
