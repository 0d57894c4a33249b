"""The database: received facts, verdicts and counters. The only package with SQL."""
