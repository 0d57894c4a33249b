"""Sums by day and hour, kept beside the rows they are sums of."""
