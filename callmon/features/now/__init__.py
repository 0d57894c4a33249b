"""The page *Now*, its half-hours, the wall, and `callmon status`."""

from callmon.feature import Feature

FEATURE = Feature(__name__, pages=("page",), resources=("api",))
