"""Tests of pages and their authorization, in process."""
