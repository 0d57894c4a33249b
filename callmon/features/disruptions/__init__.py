"""Disruptions of lines: the page, `callmon disruptions` and the public notice."""

from callmon.feature import Feature

FEATURE = Feature(__name__, pages=("page",), resources=("api",))
