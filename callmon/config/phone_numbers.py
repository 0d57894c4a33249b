"""Telephone numbers: as callmon stores them (E.164), as people read them, and hidden ones. Pure.

Refuses: to guess. A text that `phonenumbers` does not accept as valid (711, "anonymous", 555 as an area code) is
no number here. This module never dials, stores or logs a number.
"""

import re
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

Hidden = Literal["withheld", "unknown"]

NO_BREAK = "\N{NO-BREAK SPACE}"
# 32 characters hold 15 digits with "011", a prefix and punctuation. Longer text is no number, and is refused
# before any pattern is matched.
LONGEST = 32
# The distinct numbers of a year with 1,000 calls a day fit several times. A flood of forged numbers only evicts
# entries.
REMEMBERED = 65_536

NANP_REGIONS = frozenset({"CA", "US"})
TOLL_FREE = frozenset({"800", "833", "844", "855", "866", "877", "888"})

_NOISE = re.compile(r"[^\w+*#]|_")
# Texts that exchanges and carriers put in the number or the name. The first set means that the caller, or the
# network for the caller, withheld the number; the second that the number was not available. R-51 distinguishes the
# two.
WITHHELD = frozenset(
    {"anonymous", "anonyme", "private", "privatenumber", "privatecaller", "privatename", "restricted"}
    | {"withheld", "blocked", "confidential", "confidentiel", "numeroconfidentiel", "hidden"}
)
UNKNOWN = frozenset(
    {"", "unknown", "unknownnumber", "unknowncaller", "unavailable", "notavailable", "outofarea", "asterisk"}
)


def e164(text: str, region: str = "CA", prefixes: tuple[str, ...] = ()) -> str | None:
    """The number as "+14163272422", or None when `text` is no valid number.

    `prefixes` are what staff dial before an outside number ("9", "91", "9011"). `text` is parsed unchanged first,
    then without each prefix, the longest first: 905 555-0102 is not the prefix "9" and a number.
    """
    if len(text) > LONGEST:
        return None
    return _e164(text, region, prefixes)


@lru_cache(maxsize=REMEMBERED)
def _e164(text: str, region: str, prefixes: tuple[str, ...]) -> str | None:
    if region in NANP_REGIONS and (plain := _plain_nanp().fullmatch(text)):
        return "+1" + plain[1]
    return next(filter(None, (_parsed(form, region) for form in _readings(text, region, prefixes))), None)


def _readings(text: str, region: str, prefixes: tuple[str, ...]) -> list[str]:
    """The possible readings of `text`, likeliest first."""
    abroad = international_prefix(region)
    readings = [text]
    for prefix in sorted(prefixes, key=len, reverse=True):
        if prefix and text.startswith(prefix):
            rest = text.removeprefix(prefix)
            # The prefix "9011" includes the international prefix: the rest begins with a country code.
            readings.append("+" + rest if abroad and prefix.endswith(abroad) else rest)
    return readings


def _parsed(text: str, region: str) -> str | None:
    if not text or not text.isascii() or any(c.isalpha() for c in text):
        return None  # phonenumbers would convert letters as on a keypad, and parse an extension after "x"
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def relay_number(text: str, region: str = "CA") -> str | None:
    """A relay operator's number as it appears on an arriving call: E.164, or short (711); None for others."""
    short = text.isascii() and text.isdigit() and 3 <= len(text) <= 6
    return text if short else e164(text, region)


@lru_cache(maxsize=1)
def _plain_nanp() -> re.Pattern[str]:
    """A pattern of valid 10 or 11 plain digits of Canada or the United States, from phonenumbers' own tables.

    Other numbers, Caribbean ones among them, take the slow path (22 µs instead of 0.2 µs).
    """
    kinds = ("fixed_line", "toll_free", "premium_rate", "personal_number", "voip", "uan")
    metadata = [PhoneMetadata.metadata_for_region(region) for region in ("CA", "US")]
    found = [getattr(getattr(m, kind), "national_number_pattern", None) for m in metadata for kind in kinds]
    return re.compile(r"\+?1?(" + "|".join(f"(?:{p})" for p in dict.fromkeys(found) if p) + ")", re.ASCII)


@lru_cache(maxsize=256)
def international_prefix(region: str) -> str:
    """The international prefix of a region: "011" in Canada; "" when its tables give a choice."""
    metadata = PhoneMetadata.metadata_for_region(region)
    prefix = (metadata.preferred_international_prefix or metadata.international_prefix) if metadata else ""
    return prefix if prefix and prefix.isdigit() else ""


def as_delivered(number: str, region: str = "CA") -> tuple[str, ...]:
    """The forms in which carriers deliver an E.164 `number` as the dialled number, without duplicates.

    For +14163272422 in CA: 4163272422, 14163272422, +14163272422, 01114163272422.
    """
    parsed = phonenumbers.parse(number)
    national = phonenumbers.national_significant_number(parsed)
    forms = [national, number.removeprefix("+"), number]
    if abroad := international_prefix(region):
        forms.append(abroad + number.removeprefix("+"))
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata and metadata.national_prefix and metadata.country_code == parsed.country_code:
        forms.append(metadata.national_prefix + national)
    return tuple(dict.fromkeys(forms))


@lru_cache(maxsize=1024)
def printed(number: str, language: str) -> str:
    """An E.164 number as the ministry prints it (users.md section 3).

    "fr": 416 327-2422, 1 800 267-7329, with no-break spaces; "en": 416-327-2422, 1-800-267-7329. Numbers outside
    the NANP have the international format of phonenumbers. A text that is no E.164 number is returned unchanged.
    """
    if nanp := re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number, re.ASCII):
        area, exchange, last = nanp.groups()
        space = NO_BREAK if language == "fr" else "-"
        return (f"1{space}" if area in TOLL_FREE else "") + f"{area}{space}{exchange}-{last}"
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return number
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL).replace(" ", NO_BREAK)


def is_withheld(num: str | None, name: str | None) -> Hidden | None:
    """Why a caller's number must not be shown or dialled, or None when it may be (R-51).

    "withheld": the presentation is restricted; sometimes only the name shows this, while the trunk delivers the
    number. "unknown": the carrier delivered no number (out of area). The two are counted separately.
    """
    number, label = _bare(num), _bare(name)
    if number in WITHHELD or label in WITHHELD:
        return "withheld"
    return "unknown" if number in UNKNOWN else None


def _bare(text: str | None) -> str:
    """Remove case, accents on é, brackets, blanks and a SIP domain: "<Unknown>" → "unknown"."""
    if not text or (text.isdigit() and text.isascii()):
        return (text or "")[:64]
    return _NOISE.sub("", text[:64].casefold().partition("@")[0].replace("é", "e"))
