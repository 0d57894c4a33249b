"""The steps of signing a month: prepared, verified, approved."""
