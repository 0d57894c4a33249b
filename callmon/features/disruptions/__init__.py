"""Disruptions of lines: the page, `callmon disruptions` and the public notice."""

from callmon.feature import Feature, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    resources=("api",),
    menu=(MenuItem("disruptions", "Disruptions", 50, is_daily=True),),
)
