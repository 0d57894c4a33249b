"""How fast callmon listens, beside others and beside the bare socket. ``python -m tests.bench``; not a test."""
