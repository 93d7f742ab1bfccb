"""Reading what users upload: bytes to text, text to a table, and which columns the task is about."""
