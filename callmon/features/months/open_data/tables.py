"""The tables of the open-data package, and their description for data portals. Pure.

A description has what a program needs to read the CSV without guessing: separator, decimal mark, type of each
column, key, and values that a column may have.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from callmon.features.months.model import CutKind, Kind, State

Type = Literal["string", "number", "integer", "month"]
CSVW_TYPES: Mapping[Type, str] = {
    "string": "string",
    "number": "decimal",
    "integer": "integer",
    "month": "gYearMonth",
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "cut": get_args(CutKind),
    "unit": get_args(Kind),
    "state": get_args(State),
    "target_met": ("Y", "N", "NA"),
}


class DataColumn(NamedTuple):
    """`name` is the same in both languages, `header` is in the file. `meaning`: in the table's language."""

    name: str
    header: str
    type: Type = "string"
    meaning: str = ""


class DataTable(NamedTuple):
    """One CSV. `language`: of its texts; "" for both. French has `;` as separator and a decimal comma."""

    file: str
    columns: tuple[DataColumn, ...]
    language: str = ""
    key: tuple[str, ...] = ()

    @property
    def separator(self) -> str:
        return ";" if self.language == "fr" else ","

    def datatype(self, column: DataColumn) -> str | dict[str, Any]:
        """The type of a column's values in the metadata of CSV on the Web."""
        base = CSVW_TYPES[column.type]
        if column.type == "number" and self.language == "fr":
            return {"base": base, "format": {"decimalChar": ","}}
        if column.name in CHOICES:
            return {"base": base, "format": "|".join(CHOICES[column.name])}
        return base
