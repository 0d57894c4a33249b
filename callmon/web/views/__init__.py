"""One module = one kind of page: its endpoints, and what its templates are given."""
