"""Privacy of callers' numbers: subject access, retention, key rotation, files that expire."""
