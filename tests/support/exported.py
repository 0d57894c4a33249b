"""The statistics of a month as queries of `callmon export`'s files, in SQL that DuckDB and ClickHouse share."""

from __future__ import annotations

from callmon.core.calls.call import OUTCOMES
from callmon.core.verdicts import VERDICTS
from callmon.features.months.figures import OWED_TOTALS, TOTALS
from callmon.features.months.model import Cut, Place, Report

Rows = list[tuple[str, str, int]]
PUBLIC = "c.direction = 'inbound' AND NOT c.is_test AND c.line IS NOT NULL"
OF_CALL = """v."call" = c."call" AND v.exchange = c.exchange"""
OF_OBLIGATION = """v."call" = replace(o.id, '-complaint', '') AND v.exchange = o.exchange"""
# Of the tables {calls}, {verdicts} and {obligations}.
QUERIES = {
    "outcomes by line": f"SELECT c.line, c.outcome, count(*) FROM {{calls}} c WHERE {PUBLIC} GROUP BY 1, 2",
    "verdicts on calls": f"""SELECT v.standard, v.verdict, count(*) FROM {{verdicts}} v
        JOIN {{calls}} c ON {OF_CALL} WHERE {PUBLIC} GROUP BY 1, 2""",
    "verdicts on callbacks and complaints": f"""SELECT v.standard, v.verdict, count(*) FROM {{verdicts}} v
        JOIN {{obligations}} o ON {OF_OBLIGATION} WHERE v.standard LIKE concat(o.kind, '%') GROUP BY 1, 2""",
    "callbacks by service": """SELECT o.service, o.kind, count(*) FROM {obligations} o GROUP BY 1, 2""",
}
TABLES = ("calls", "verdicts", "obligations")


def expected(report: Report) -> dict[str, Rows]:
    """What each query must give: the report's figures that are not 0."""
    lines, services = ([x.of for x in report.cuts if x.kind == kind] for kind in ("line", "service"))
    kinds = {"callback": "callbacks_opened", "complaint": "complaints_opened"}

    def counts(places: dict[tuple[str, str], Place]) -> Rows:
        found = ((*key, int(report.figures[place].value or 0)) for key, place in places.items())
        return sorted(row for row in found if row[2])

    def verdicts(standards: set[str]) -> Rows:
        return counts({(x, verdict): Place(f"{x}.verdict", verdict) for x in standards for verdict in VERDICTS})

    return {
        "outcomes by line": counts(
            {(x, of): Place("outcomes", of, Cut("line", x)) for x in lines for of in OUTCOMES}
        ),
        "verdicts on calls": verdicts(set(TOTALS) - set(OWED_TOTALS)),
        "verdicts on callbacks and complaints": verdicts(set(OWED_TOTALS)),
        "callbacks by service": counts(
            {(x, kind): Place(name, "", Cut("service", x)) for x in services for kind, name in kinds.items()}
        ),
    }
