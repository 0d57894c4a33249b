"""The language of a command: one for its help, its answers and its refusals.

    --lang ─▶ the locale (LC_ALL, else LC_MESSAGES, else LANG) ─▶ the site's default_language ─▶ English

The first that names French or English decides. The locale `C` names neither: there the site decides, in timers and
containers too. Without a configuration there is no site. Help is shown before --config is read: for help, the site
is that of $CALLMON_CONFIG or of the usual places. The --lang of `callmon report` is of its files alone.

The source has these texts in English, the commands' docstrings among them. The catalogue is read for a French
reader only, so that English help does not wait for it.
"""

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from click import core, exceptions, formatting, get_current_context, parser, termui, types

from callmon.config.places import CONFIG_VARIABLE, find
from callmon.config.wording import plain, variable
from callmon.errors import ConfigError, Sentence
from callmon.text.labels import LANGUAGES, agreed, translate

LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
SETTING = "default_language"
# Fields with a number that is counted or measured; an identifier, such as a port, has no thousands.
COUNTS = frozenset({"count", "lost", "messages", "one", "other", "ours", "percent", "size", "unlogged"})
FRENCH_NUMBER = str.maketrans(",.", "\N{NO-BREAK SPACE},")


def of_locale(environment: Mapping[str, str] = os.environ) -> str | None:
    """French or English, if the locale names one of them."""
    name = next(filter(None, map(environment.get, LOCALE)), "")
    return next((language for language in LANGUAGES if name.split("_")[0].split(".")[0] == language), None)


def of_site() -> str | None:
    """The site's default language; None without a configuration that can be read."""
    with suppress(ConfigError, OSError, ValueError):
        path = Path(_given("config") or os.environ.get(CONFIG_VARIABLE) or find())
        language = os.environ.get(variable((SETTING,))) or _written(path, path.stat().st_mtime_ns)
        return language if language in LANGUAGES else None
    return None


@lru_cache
def _written(path: Path, _changed: int) -> str:
    named = tomllib.loads(path.read_text(encoding="utf-8")).get(SETTING)
    if named is None:
        from callmon.config.schema import Configuration  # which only this needs

        named = Configuration.model_fields[SETTING].default
    return str(named)


def current_language() -> str:
    """The language of the command that runs."""
    return _given("lang") or of_locale() or of_site() or "en"


def _given(option: str) -> str | None:
    """The value of this option of the command that runs; None when it is not given, or not read yet."""
    context = get_current_context(silent=True)
    value = context.params.get(option) if context else None
    return str(value) if isinstance(value, str | Path) else None  # while click reads a line, it may be no value


def said(english: str, context: str | None = None, **values: Any) -> str:
    """A text of the source in the current language, with these values in its fields.

    A value may come from a file or a caller: what a terminal would act on is left out.
    """
    language = current_language()
    text = translate(english, language, context)
    if not values:
        return text
    filled = plain(text.format(**in_fields(values)))
    return agreed(filled) if language == "fr" else filled


def in_language(sentence: str) -> str:
    """A sentence of the source in the current language; another text as it is."""
    return said(sentence.template, **sentence.values) if isinstance(sentence, Sentence) else plain(sentence)


def in_fields(values: Mapping[str, object]) -> dict[str, object]:
    """The values of a text's fields as the current language writes them: messages, and numbers in COUNTS."""
    return {
        name: number(x)
        if name in COUNTS and isinstance(x, int | float)
        else in_language(x)
        if isinstance(x, str)
        else x
        for name, x in values.items()
    }


def number(value: float) -> str:
    """A number: "1,234.5", « 1 234,5 »."""
    text = f"{int(value) if value == int(value) else value:,}"
    return text.translate(FRENCH_NUMBER) if current_language() == "fr" else text


def said_of_count(one: str, several: str, count: int, **values: Any) -> str:
    """The text for this count, which is the value of its field `count`."""
    return said(_one_or_several(one, several, count), count=count, **values)


def _one_or_several(one: str, several: str, count: int) -> str:
    return one if abs(count) < 2 and (count or current_language() == "fr") else several


def _said_of_count(one: str, several: str, count: int) -> str:
    return said(_one_or_several(one, several, count))


# click marks its own sentences for gettext and ships no translation: they are looked up in the same catalogue.
for module in (core, exceptions, formatting, parser, termui, types):
    vars(module).update(_=said, ngettext=_said_of_count)
