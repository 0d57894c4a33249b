"""The database: what was heard, what was concluded, and its figures. The only place that knows SQL."""
