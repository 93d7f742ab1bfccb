"""Jobs: the durable store, the child processes and the HTTP routes of ``docs/job-protocol.md``."""
