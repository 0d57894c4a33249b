"""Callbacks and complaints: the page and `callmon callbacks`."""

from callmon.feature import Feature

FEATURE = Feature(__name__, pages=("page",), resources=("api",))
