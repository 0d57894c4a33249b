"""How fast callmon listens, beside others and beside the bare socket. ``python -m bench``; not a test."""
