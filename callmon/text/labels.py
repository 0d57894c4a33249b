"""Translates what people read: texts of pages, reports, commands and errors, and the labels of identifiers.

The source has each text in English: the key of the one catalogue, which has the French (`locale/`). A text with
several translations has a context. A text without its French is shown in English; it fails a test, and stops a
report (R-39). The catalogue is read once, for the first French text. `labels.toml` has the labels of identifiers.

Refuses: to write.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

from callmon.config.wording import nearest, quoted

LANGUAGES = ("fr", "en")
_APOSTROPHE = re.compile(r"(?<=\w)'(?=[\w{«])")
_BEFORE_VOWEL = re.compile(r"\b([Dd]|[Qq]u)e[ \xa0](?=(?:avril|août|octobre)\b)")
_COUNTED = "appel|heure|jour|minute|personne|point|poste|seconde|sonnerie"
_UNDER_TWO = re.compile(rf"(?<![\d,])([01],\d+[ \xa0](?:{_COUNTED}))s\b")

# The labels by kind.
KINDS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    files("callmon.text").joinpath("labels.toml").read_text(encoding="utf-8")
)
VERDICTS, OUTCOMES, STANDARDS, REASONS = (KINDS[kind] for kind in ("verdict", "outcome", "standard", "reason"))


def label(kind: str, identifier: str, language: str) -> str:
    """The label of `identifier`: label("verdict", "met", "fr") is "respectée".

    Raises KeyError for an unknown kind or identifier: both are closed sets.
    """
    return translate(KINDS[kind][identifier], language, kind)


def labelled(kind: str, text: str, language: str) -> str:
    """The label of `text` if it is an identifier of this kind; otherwise `text` as it is."""
    return label(kind, text, language) if text in KINDS[kind] else text


def recorded(act: str, about: str, language: str) -> str:
    """The object of an act in the record of accesses. That of a report is words: month, edition, revision …"""
    if act.startswith("report "):
        return " ".join(labelled("about_report", word, language) for word in about.split(" "))
    return labelled("about", about, language)


def unknown_name(kind: str, name: str, known: Iterable[str], language: str) -> str:
    """The sentence that refuses an unknown name of a line, a service, an outcome …

    It suggests the nearest of the `known` names, or else lists them. `kind` is a key of KINDS["unknown"].
    """
    choices = list(known)
    sentence = label("unknown", kind, language).format(name=quoted(name)[1:-1])
    if near := nearest(name, choices):
        return sentence + label("unknown_hint", "near", language).format(near=near)
    return sentence + (
        label("unknown_hint", "known", language).format(names=", ".join(choices)) if choices else "."
    )


def reason(key: str, number: int | None, language: str) -> str:
    """The reason of a verdict: reason("answered_on_ring", 2, "fr") is "réponse à la 2e sonnerie".

    Raises KeyError for an unknown key.
    """
    identifier = next((name for name in (f"{key}.{number}", f"{key}.n") if name in REASONS), key)
    identifier = key if number is None else identifier
    return label("reason", identifier, language).format(number=number, ordinal=ordinal(number, language))


def ordinal(number: int | None, language: str) -> str:
    """The number of a ring: 1re, 2e in French (feminine); plain in English ("ring 2")."""
    return f"{number}{'re' if number == 1 else 'e'}" if language == "fr" else str(number)


def translate(english: str, language: str, context: str | None = None) -> str:
    """`english` in `language`; the English itself if the catalogue lacks it."""
    return english if language == "en" else catalogue().get((context, english), english)


def typographic(french: str) -> str:
    """The text with a typographic apostrophe after each elision. A quotation mark in a command stays straight."""
    return _APOSTROPHE.sub("\N{RIGHT SINGLE QUOTATION MARK}", french)


def agreed(french: str) -> str:
    """The text, once its values are in it: an elision before a month, the singular of a decimal under two.

    « de octobre 2026 » is « d’octobre 2026 », « 0,9 points » « 0,9 point ».
    """
    return _UNDER_TWO.sub(r"\1", _BEFORE_VOWEL.sub("\\1\N{RIGHT SINGLE QUOTATION MARK}", french))


@lru_cache
def catalogue() -> Mapping[tuple[str | None, str], str]:
    """(context, English of the source) → French, without missing and fuzzy ones.

    The .po file is read directly, so that an installation compiles nothing. It has straight apostrophes, as
    keyboards do; the French that people read has typographic ones.
    """
    from babel.messages.pofile import read_po

    with files("callmon.text").joinpath("locale", "fr", "LC_MESSAGES", "callmon.po").open("rb") as lines:
        messages = read_po(lines, locale="fr")
    return {
        (message.context, str(message.id)): typographic(str(message.string))
        for message in messages
        if message.id and message.string and not message.fuzzy
    }
