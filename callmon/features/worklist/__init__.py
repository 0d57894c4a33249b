"""Callbacks and complaints: the page and `callmon callbacks`."""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    resources=("api",),
    menu=(MenuItem("callbacks", "Callbacks", 20, is_daily=True),),
    commands=(ListedCommand("callbacks", "Every day", 115, "command", "how-to/callbacks.md"),),
)
