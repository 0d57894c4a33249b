"""Tests of the database, the writer process, and what reads and writes through them."""
