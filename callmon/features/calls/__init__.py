"""The calls: their search, one call and its drawing, `callmon calls` and `callmon explain`."""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    resources=("api",),
    menu=(MenuItem("calls", "Calls", 30, is_daily=True),),
    commands=(
        ListedCommand("calls", "Every day", 110, "command"),
        ListedCommand("explain", "Every day", 125, "explain", "reference/json.md"),
    ),
)
