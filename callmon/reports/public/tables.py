"""The tables of the open-data package, and their description for data portals: CSVW and Table Schema. Pure.

A description has what a program needs to read the CSV without guessing: separator, decimal mark, type of each
column, key, and values that a column may have.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from callmon.reports.model import CutKind, Kind, State

Type = Literal["string", "number", "integer", "month"]
CSVW_TYPES: Mapping[Type, str] = {
    "string": "string",
    "number": "decimal",
    "integer": "integer",
    "month": "gYearMonth",
}
SCHEMA_TYPES: Mapping[Type, str] = {
    "string": "string",
    "number": "number",
    "integer": "integer",
    "month": "yearmonth",
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

    def csvw(self) -> dict[str, Any]:
        """The table in the metadata of CSV on the Web (w3.org/TR/tabular-metadata)."""
        described: dict[str, Any] = {
            "url": self.file,
            "dialect": {"delimiter": self.separator, "encoding": "utf-8"},
            "tableSchema": {"columns": [self._csvw(x) for x in self.columns]},
        }
        if self.key:
            described["tableSchema"]["primaryKey"] = list(self.key)
        return described | ({"lang": self.language} if self.language else {})

    def _csvw(self, column: DataColumn) -> dict[str, Any]:
        datatype: Any = CSVW_TYPES[column.type]
        if column.type == "number" and self.language == "fr":
            datatype = {"base": datatype, "format": {"decimalChar": ","}}
        elif column.name in CHOICES:
            datatype = {"base": datatype, "format": "|".join(CHOICES[column.name])}
        described = {"name": column.name, "titles": column.header, "datatype": datatype}
        if column.name in self.key:
            described["required"] = column.type != "string"  # the part of a figure may be ""
        return described | ({"dc:description": column.meaning} if column.meaning else {})

    def schema(self) -> dict[str, Any]:
        """The table as a Table Schema, with which CKAN validates a resource."""
        return {
            "fields": [self._field(x) for x in self.columns],
            "primaryKey": [x.header for x in self.columns if x.name in self.key],
            "missingValues": [""],
        }

    def _field(self, column: DataColumn) -> dict[str, Any]:
        field: dict[str, Any] = {"name": column.header, "type": SCHEMA_TYPES[column.type]}
        if column.meaning:
            field["description"] = column.meaning
        if column.type == "number" and self.language == "fr":
            field["decimalChar"] = ","
        if column.name in CHOICES:
            field["constraints"] = {"enum": list(CHOICES[column.name])}
        return field
