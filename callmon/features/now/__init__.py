"""The page *Now*, its half-hours, the wall, and `callmon status`."""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    resources=("api",),
    menu=(MenuItem("now", "Now", 10, is_daily=True),),
    commands=(ListedCommand("status", "Every day", 105, "command"),),
)
