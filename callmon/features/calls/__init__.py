"""The calls: their search, one call and its drawing, `callmon calls` and `callmon explain`."""

from callmon.feature import Feature

FEATURE = Feature(__name__, pages=("page",), resources=("api",))
