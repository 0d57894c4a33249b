"""One module for each kind of page: its endpoints, and the values for its templates."""
