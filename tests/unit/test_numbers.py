"""Numbers: valid or none, printed as the ministry prints them, hidden ones never shown."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.config.phone_numbers import as_delivered, e164, is_withheld, printed
from tests.support.examples import examples

STAFF = ("9", "91", "9011")


def said_by_phonenumbers(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, "CA")
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4163272422", "+14163272422"),
        ("14163272422", "+14163272422"),
        ("+14163272422", "+14163272422"),
        ("01114163272422", "+14163272422"),
        ("416 327-2422", "+14163272422"),
        ("1 800 267-7329", "+18002677329"),
        ("(416) 327-2422", "+14163272422"),
        ("18008550511", "+18008550511"),  # the relay operator's is a number; 711 is none
        ("01133142685300", "+33142685300"),
        ("+33142685300", "+33142685300"),
        ("8764567890", "+18764567890"),  # Jamaica: not on the fast path
        ("711", None),
        ("911", None),
        ("101", None),
        ("s", None),
        ("", None),
        ("anonymous", None),
        ("<unknown>", None),
        ("5555555555", None),
        ("1234567890", None),
        ("416327242", None),
        ("41632724222", None),
        ("1800CALLNOW", None),
        ("4163272422x12", None),
        ("٤١٦٣٢٧٢٤٢٢", None),
        ("9" * 1000, None),
    ],
)
def test_a_text_is_a_valid_number_or_none(text: str, number: str | None) -> None:
    assert e164(text) == number


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("94165550101", "+14165550101"),
        ("914165550101", "+14165550101"),
        ("901133142685300", "+33142685300"),
        ("9055550102", "+19055550102"),  # area code 905, not "9" and something
        ("99055550102", "+19055550102"),
        ("4165550101", "+14165550101"),
        ("9911", None),
        ("9", None),
        ("9101", None),
    ],
)
def test_what_staff_dial_is_the_number_behind_the_prefix(dialled: str, number: str | None) -> None:
    assert e164(dialled, "CA", STAFF) == number


def test_a_prefix_that_holds_the_international_one_is_enough() -> None:
    assert e164("901133142685300", "CA", ("9011",)) == "+33142685300"


def test_without_a_prefix_configured_none_is_taken_off() -> None:
    assert e164("94165550101") is None


@settings(max_examples=examples(500))
@given(st.from_regex(r"(\+?1)?[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True))
def test_the_fast_way_says_what_phonenumbers_says(text: str) -> None:
    assert e164(text) == said_by_phonenumbers(text)


def test_the_fast_way_agrees_for_every_area_code() -> None:
    texts = [f"{area}{rest}" for area in range(200, 1000) for rest in ("3272422", "5550101", "2001212")]
    assert [text for text in texts if e164(text) != said_by_phonenumbers(text)] == []


@given(st.text(max_size=40))
def test_no_text_raises_and_every_number_reads_itself(text: str) -> None:
    number = e164(text, "CA", STAFF)
    assert number is None or e164(number) == number


@pytest.mark.parametrize(
    ("number", "french", "english"),
    [
        ("+14163272422", "416 327-2422", "416-327-2422"),
        ("+18002677329", "1 800 267-7329", "1-800-267-7329"),
        ("+18668532137", "1 866 853-2137", "1-866-853-2137"),
        ("+33142685300", "+33 1 42 68 53 00", "+33 1 42 68 53 00"),
        ("nonsense", "nonsense", "nonsense"),
    ],
)
def test_a_number_is_printed_as_the_ministry_prints_it(number: str, french: str, english: str) -> None:
    assert printed(number, "fr") == french.replace(" ", "\N{NO-BREAK SPACE}")
    assert printed(number, "en") == english.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("num", "name", "why"),
    [
        ("anonymous", "Anonymous", "withheld"),
        ("Anonymous", None, "withheld"),
        ("anonymous@anonymous.invalid", "", "withheld"),
        ("4165550101", "Anonymous", "withheld"),  # the trunk delivers it all the same
        ("4165550101", "PRIVATE NUMBER", "withheld"),
        ("private", "", "withheld"),
        ("Restricted", "", "withheld"),
        ("", "Private Caller", "withheld"),
        ("Numéro confidentiel", "", "withheld"),
        ("<unknown>", "<unknown>", "unknown"),
        ("", "", "unknown"),
        (None, None, "unknown"),
        ("unavailable", "", "unknown"),
        ("Out-of-Area", "", "unknown"),
        ("4165550101", "<unknown>", None),
        ("4165550101", "Unavailable", None),
        ("4165550101", "Zoé Private", None),
        ("101", "Agent 101", None),
    ],
)
def test_a_hidden_number_has_its_reason(num: str | None, name: str | None, why: str | None) -> None:
    assert is_withheld(num, name) == why


@pytest.mark.parametrize(
    ("number", "region", "delivered"),
    [
        ("+14163272422", "CA", ("4163272422", "14163272422", "+14163272422", "01114163272422")),
        ("+33142685300", "FR", ("142685300", "33142685300", "+33142685300", "0033142685300", "0142685300")),
        ("+33142685300", "CA", ("142685300", "33142685300", "+33142685300", "01133142685300")),
    ],
)
def test_a_number_is_delivered_in_these_forms(number: str, region: str, delivered: tuple[str, ...]) -> None:
    assert as_delivered(number, region) == delivered
