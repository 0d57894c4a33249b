"""The remarks that a person writes for a report, from a TOML file."""

import tomllib
from pathlib import Path

from callmon.cli.common import CommandContext
from callmon.cli.language import in_language
from callmon.config.settings import toml_mistake
from callmon.config.validation import not_utf_8
from callmon.errors import ConfigError
from callmon.features.months.notes import Remarks
from callmon.text.labels import LANGUAGES


def read_remarks(context: CommandContext, path: Path | None) -> Remarks:
    """Remarks from TOML: [section] fr = "…", en = "…". Raises ConfigError if a remark lacks a language (R-33)."""
    if path is None:
        return {}
    try:
        remarks: Remarks = tomllib.loads(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise ConfigError(not_utf_8(path, error)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            '{path}: not TOML ({why}); write [SECTION], then fr = "…" and en = "…".',
            path=path,
            why=in_language(toml_mistake(error)),
        ) from None
    for key, text in remarks.items():
        if not isinstance(text, dict) or not all(isinstance(text.get(x), str) and text[x] for x in LANGUAGES):
            raise ConfigError(
                "{path}: the remark [{key}] needs fr and en, and neither may be empty.", path=path, key=key
            )
    return remarks
