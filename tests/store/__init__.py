"""Tests of the database, the write path, and what reads and writes through them."""
