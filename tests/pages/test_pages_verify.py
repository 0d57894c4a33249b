"""The check of a dropped file: what the signatures say of its bytes, its limits, and who may ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import pytest

from callmon.store import opening
from callmon.store.access import AuditRow
from callmon.store.sign_off import keep_prepared, sign
from callmon.web.auth.middleware import MOST_BYTES
from callmon.web.auth.route import MOST_BYTES_OF_FILE
from tests.pages.test_pages_callbacks import text
from tests.support.pages_daemon import Headers, Site, person, site

MANAGER, VIEWER = person("g.lavoie", "managers"), person("v.roy")
PDF, JSON = b"%PDF" + bytes(MOST_BYTES), b"{}"
NAME = "callmon-2024-05-r1-fr.pdf"
PATHS = {"fr": "/fr/mois/verifier", "en": "/en/months/verify"}
AT = datetime(2024, 7, 2, 13, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with an approved month, and one that is prepared."""
    with site(tmp_path_factory.mktemp("verify")) as running:
        store = opening.open_with_keys(running.settings())
        for month, name in (("2024-05", NAME), ("2024-06", "callmon-2024-06-r1-fr.pdf")):
            files = [(name, PDF + month.encode()), (f"{month}.json", JSON)]
            keep_prepared(store, month, 1, files, AuditRow(at=AT, who="g.lavoie", act=""))
        for step, who in (("verified", "a.roy"), ("approved", "d.morin")):
            sign(store, "2024-05", 1, step, AuditRow(at=AT, who=who, act=""))  # type: ignore[arg-type]  # a step
        store.close()
        yield running


def dropped(place: Site, name: str, data: bytes, language: str = "en", who: Headers = MANAGER) -> httpx.Response:
    with place.visitor(who) as visitor:
        token = place.csrf(visitor, PATHS[language]) if who is MANAGER else ""
        return visitor.post(PATHS[language], data={"csrf": token}, files={"file": (name, data)})


def answered(answer: httpx.Response) -> tuple[str, list[str]]:
    """What the page says of the file, and its fingerprint and signatures."""
    (said,) = re.findall(r'<div role="status">(.*?)</div>', answer.text, re.DOTALL)
    first, _, more = said.partition("</p>")
    return text(first), [text(x) for x in re.findall(r"<code.*?</code>|<li>.*?</li>", more)]


def test_the_approved_bytes_are_named_with_who_signed_them(place: Site) -> None:
    data = PDF + b"2024-05"
    assert answered(dropped(place, NAME, data)) == (
        f"✓ {NAME}: intact and approved. It is a file of revision 1 of the report of 2024-05, which is in force.",
        [
            sha256(data).hexdigest(),
            "Prepared by g.lavoie, 2 July 2024, 9:05:00 a.m.",
            "Verified by a.roy, 2 July 2024, 9:05:00 a.m.",
            "Approved by d.morin, 2 July 2024, 9:05:00 a.m.",
        ],
    )


@pytest.mark.parametrize(
    ("name", "data", "french"),
    [
        (NAME, b"other", f"■ {NAME} : modifié"),
        ("C:\\reports\\x.pdf", b"other", "■ x.pdf : pas signé"),
        ("a.pdf", PDF + b"2024-06", "■ a.pdf : intact, mais pas encore approuvé"),
    ],
)
def test_other_bytes_are_altered_not_signed_or_not_approved(
    place: Site, name: str, data: bytes, french: str
) -> None:
    said, (digest, *signatures) = answered(dropped(place, name, data, "fr"))
    assert (said[: len(french)].replace("\N{NO-BREAK SPACE}", " "), digest) == (french, sha256(data).hexdigest())
    assert len(signatures) == ("2024-06" in data.decode(errors="replace"))


def test_without_a_file_the_page_asks_for_one(place: Site) -> None:
    with place.visitor(MANAGER) as visitor:
        answer = visitor.post(PATHS["en"], data={"csrf": place.csrf(visitor, PATHS["en"])})
    assert answered(answer) == ("■ Choose a file.", [])


def test_a_file_over_the_limit_is_refused_and_so_is_one_of_another_form(place: Site) -> None:
    assert dropped(place, NAME, bytes(MOST_BYTES_OF_FILE)).status_code == 413
    assert dropped(place, NAME, bytes(MOST_BYTES_OF_FILE - 2000)).status_code == 200
    with place.visitor(MANAGER) as visitor:
        token = place.csrf(visitor, PATHS["en"])
        others = [
            visitor.post("/en/months/2024-05", data={"csrf": token}, files={"file": (NAME, data)})
            for data in (b"x", bytes(MOST_BYTES))
        ]
        two = visitor.post(PATHS["en"], data={"csrf": token}, files=[("file", ("a", b"a")), ("file", ("b", b"b"))])
    assert [x.status_code for x in (*others, two)] == [400, 413, 400]


def test_a_file_without_the_right_or_the_token_is_not_read(place: Site) -> None:
    assert dropped(place, NAME, PDF, who=VIEWER).status_code == 403
    with place.visitor(MANAGER) as visitor:
        assert visitor.post(PATHS["en"], files={"file": (NAME, PDF)}).status_code == 403


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_of_months_has_the_form(place: Site, language: str) -> None:
    with place.visitor(MANAGER) as visitor:
        page = visitor.get(PATHS[language].rpartition("/")[0]).text
    (form,) = [x for x in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'type="file"' in x]
    assert f'action="{PATHS[language]}" enctype="multipart/form-data"' in form
