"""Tests in one process, without a database or a server."""
