"""What the forkserver of this service imports once. Read before anything else is imported."""

# torch._dynamo: the first optimizer of a process imports it, which takes longer than torch itself.
PRELOAD = ("numpy", "torch", "torch._dynamo")
