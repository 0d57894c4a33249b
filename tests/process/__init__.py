"""Tests of `callmon run` and `callmon demo` as a process."""
