"""Tests of the commands on a database."""
