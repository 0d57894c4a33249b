"""Tests of recordings of a real Asterisk."""
