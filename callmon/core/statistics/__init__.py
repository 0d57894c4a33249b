"""Counters, aggregates, coverage and the shares that reports, pages and metrics use."""
