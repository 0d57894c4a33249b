"""Tests in a browser, on paper, in containers."""
