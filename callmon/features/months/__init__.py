"""The monthly telephone statistics: rows → Report → CSV, JSON, HTML, XLSX, PDF.

`core/statistics/aggregates` counts calls and `figures` counts obligations. Each is counted once, in the
smallest cell: a line and a language. Every cut is a sum of cells, so that the rows of a table add up. `builder`
makes the Report and is pure. `layout` places its figures in sections and tables; a format module only writes them.

Refuses: to show a person, to show a telephone number, to report what was not received as 0.
"""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("sign_off.page", "page"),
    resources=("api",),
    workers=("worker",),
    menu=(MenuItem("months", "Months", 40, is_daily=True),),
    commands=(
        ListedCommand("report", "Every day", 130, "command", "how-to/monthly-report.md"),
        ListedCommand("export", "For engineers", 610, "open_data.command", "how-to/analytics.md"),
    ),
)
