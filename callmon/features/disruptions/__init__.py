"""Disruptions of lines: the page, `callmon disruptions` and the public notice."""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    resources=("api",),
    workers=("worker",),
    menu=(MenuItem("disruptions", "Disruptions", 50, is_daily=True),),
    commands=(ListedCommand("disruptions", "Every day", 120, "command", "how-to/disruptions.md"),),
)
