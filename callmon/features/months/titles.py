"""The texts of a report, in the French of the glossary (`titles.toml`). Pure.

The English is the key of the catalogue, under the context "report".
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from callmon.text.formatter import Definition

_texts = tomllib.loads(files("callmon.features.months").joinpath("titles.toml").read_text(encoding="utf-8"))
FIGURES = {name: Definition(**of) for name, of in _texts["figures"].items()}
STANDARDS: Mapping[str, str] = _texts["standards"]
SIGNS: Mapping[str, str] = _texts["signs"]
CUTS: Mapping[str, str] = _texts["cuts"]
PARTS: Mapping[str, Mapping[str, str]] = _texts["parts"]
# The headline figures: long title, column title.
PUBLIC_HEADLINES: Mapping[str, Mapping[str, str]] = _texts["headlines"]
HEADLINES = {x: of for x, of in PUBLIC_HEADLINES.items() if x not in ("reach_a_person.rate", "callbacks_opened")}
TEXTS: Mapping[str, str] = _texts["texts"]
SILENCES: Mapping[str, str] = _texts["silences"]
PACKAGE: Mapping[str, str] = _texts["package"]
COLUMNS: Mapping[str, Mapping[str, str]] = _texts["columns"]
UNITS: Mapping[str, str] = _texts["units"]
PARAMETERS: Mapping[str, str] = _texts["parameters"]
SAME_PARTS: Mapping[str, str] = {"redirections": "transfers", "callbacks_business_day": "callbacks_24_hours"}
UNKNOWN_CUT = "not in the configuration"
