"""The sign-off on the pages: three persons sign a month in a real daemon; who may not, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import Settings
from callmon.core.disruptions.disruption import Disruption, Notice
from callmon.store import opening, sign_off
from callmon.store.access import AuditRow, audit_events
from callmon.store.bulk import BulkWriter, replacing
from callmon.store.database import Database
from callmon.store.row_mapping import row_of_disruption
from callmon.store.sign_off import SignedRevision, check_file, keep_prepared
from callmon.store.tables import DISRUPTION
from tests.pages.test_pages_callbacks import text
from tests.support.pages_daemon import Headers, Site, fill, person, site
from tests.support.store_fixtures import until
from tests.support.year.database import fill_year

PREPARES, VERIFIES, APPROVES = (person(name, "managers") for name in ("g.lavoie", "a.roy", "d.morin"))
NOT_THEIRS = {"viewer": person("v.roy"), "agent": person("a.cote", "agents"),
              "administrator": person("s.cyr", "administrators")}  # fmt: skip
NOTE = re.compile(r'<p class="note over" role="alert">(.*?)</p>', re.DOTALL)
FILES = [("callmon-r1-fr.pdf", b"fr"), ("callmon-r1.json", b"{}")]
AT = datetime(2024, 7, 2, 13, 5, tzinfo=UTC)
MAKES = {"kind": "html", "to_sign": "1"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A daemon over the seeded year, and calls of this morning."""

    def filled(store: Database, settings: Settings) -> None:
        fill_year(store, settings, 600, 60)
        fill(store, datetime.now(UTC).replace(microsecond=0))

    with site(tmp_path_factory.mktemp("sign"), filled=filled) as running:
        yield running


@pytest.fixture
def store(place: Site) -> Iterator[Database]:
    opened = opening.open_with_keys(place.settings())
    yield opened
    opened.close()


def sent(place: Site, who: Headers, path: str, **fields: str) -> httpx.Response:
    """The answer to a form; behind its redirect."""
    with place.visitor(who) as visitor:
        token = "" if who in NOT_THEIRS.values() else place.csrf(visitor, "/en/months/2024-05")
        answer = visitor.post(path, data={"csrf": token} | fields)
        return visitor.get(answer.headers["location"]) if answer.status_code == 303 else answer


def made(place: Site, who: Headers, month: str, language: str = "en", **written: str) -> str:
    """The path of the finished files to sign."""
    path = {"en": f"/en/months/{month}", "fr": f"/fr/mois/{month}"}[language]
    page = sent(place, who, path, **MAKES, **written)
    found = str(page.url.path)
    with place.visitor(who) as visitor:
        assert until(lambda: "data-wait" not in visitor.get(found).text, 60)
    return found


def revision(month: str, language: str = "en") -> str:
    return {"en": f"/en/months/{month}/revisions/1", "fr": f"/fr/mois/{month}/revisions/1"}[language]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    (note,) = NOTE.findall(answer.text)
    return answer.status_code, text(note).removeprefix("■ ")


def offered(place: Site, path: str) -> tuple[int, list[str]]:
    """How many forms sign these files as prepared, and the notes that say why not."""
    with place.visitor(VERIFIES) as visitor:
        page = visitor.get(path).text
    notes = re.findall(r'<p class="note">(.*?)</p>', page, re.DOTALL)
    return page.count('<button class="main">'), [text(x) for x in notes]


def kept(store: Database, month: str) -> SignedRevision:
    """A revision that g.lavoie prepared."""
    return keep_prepared(store, month, 1, FILES, AuditRow(at=AT, who="g.lavoie", act=""))


def test_three_persons_sign_a_month_and_its_files_are_those_bytes(place: Site, store: Database) -> None:
    path = made(place, PREPARES, "2024-05")
    with place.visitor(PREPARES) as visitor:
        page = visitor.get(path).text
        links = re.findall(r'<a href="([^"]+)" download>', page)
        files = {link.rsplit("/", 1)[1]: visitor.get(link).content for link in links}
    assert sorted(files) == [f"callmon-2024-05-r1{end}" for end in ("-en.html", "-fr.html", ".json")]
    assert re.findall(r'<code class="digest">(\w+)', page) == [sha256(x).hexdigest() for x in files.values()]
    reported = [sent(place, PREPARES, path)]
    reported += [sent(place, who, revision("2024-05"), step=step)
             for who, step in ((VERIFIES, "verified"), (APPROVES, "approved"))]  # fmt: skip
    states = [re.findall(r"<strong>(.*?)</strong>", x.text)[0] for x in reported]
    assert states == ["Prepared.", "Verified.", "Approved."]
    (one,) = sign_off.revisions(store, "2024-05")
    assert [(x.step, x.who) for x in one.signatures] == [
        ("prepared", "g.lavoie"), ("verified", "a.roy"), ("approved", "d.morin"),
    ]  # fmt: skip
    with place.visitor(VERIFIES) as visitor:
        again = {name: visitor.get(f"{revision('2024-05')}/{name}").content for name in files}
    assert again == files
    assert {check_file(store, name, data).result for name, data in again.items()} == {"approved"}
    deeds = [(x.who, x.act, x.about) for x in audit_events(store) if x.act.startswith("report ")]
    assert [x for x in deeds if x[2] == "2024-05 revision 1"] == [
        ("g.lavoie", "report prepared", "2024-05 revision 1"),
        ("a.roy", "report verified", "2024-05 revision 1"),
        ("d.morin", "report approved", "2024-05 revision 1"),
    ]


def test_an_older_month_in_the_list_has_the_state_of_its_newest_revision(place: Site, store: Database) -> None:
    older = datetime.now(UTC).replace(day=15) - timedelta(days=610)
    month = f"{older:%Y-%m}"
    kept(store, month)
    for who, step in ((VERIFIES, "verified"), (APPROVES, "approved")):
        assert sent(place, who, revision(month), step=step).status_code == 200
    with place.visitor(VERIFIES) as visitor:
        listed = text(visitor.get("/en/months").text)
    assert listed.count(f"{older:%B %Y} ( approved : Revision 1 )") == 1


@pytest.mark.parametrize("role", NOT_THEIRS)
def test_a_lead_and_everybody_without_the_role_of_reports_signs_nothing(
    place: Site, store: Database, role: str
) -> None:
    month = {"viewer": "2024-01", "agent": "2024-02", "administrator": "2024-03"}[role]
    kept(store, month)
    steps = [sent(place, NOT_THEIRS[role], revision(month), step=step) for step in sign_off.STEPS]
    others = [sent(place, NOT_THEIRS[role], f"/en/months/{month}/x"),
              sent(place, NOT_THEIRS[role], f"/en/months/{month}", **MAKES)]  # fmt: skip
    with place.visitor(NOT_THEIRS[role]) as visitor:
        read = [visitor.get(revision(month)), visitor.get(f"{revision(month)}/callmon-r1.json")]
    assert {(x.status_code, "Access refused" in x.text) for x in (*steps, *others, *read)} == {(403, True)}
    assert [x.step for x in sign_off.revisions(store, month)] == ["prepared"]


OWN = {
    "en": "The person who prepares a revision can neither verify nor approve it: another person must do so.",
    "fr": "La personne qui prépare une révision ne peut ni la vérifier ni l’approuver : une autre personne doit "
    "le faire.",
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_who_prepared_finds_no_button_and_is_refused_in_a_sentence(
    place: Site, store: Database, language: str
) -> None:
    month = {"fr": "2024-06", "en": "2024-07"}[language]
    kept(store, month)
    with place.visitor(PREPARES) as visitor:
        page = visitor.get(revision(month, language)).text
    assert ('name="step"' in page, OWN[language] in text(page)) == (False, True)
    assert refusal(sent(place, PREPARES, revision(month, language), step="verified")) == (409, OWN[language])
    sent(place, VERIFIES, revision(month, language), step="verified")
    assert refusal(sent(place, PREPARES, revision(month, language), step="approved")) == (409, OWN[language])
    assert sign_off.revisions(store, month)[0].step == "verified"


def test_the_same_files_are_prepared_once(place: Site, store: Database) -> None:
    path = made(place, PREPARES, "2024-09", "fr")
    assert sent(place, PREPARES, path).status_code == 200
    status, said = refusal(sent(place, VERIFIES, path))
    reported = "Cette étape est déjà signée : révision 1, préparée par g.lavoie, "
    assert (status, said.startswith(reported)) == (409, True)
    assert offered(place, path) == (0, [said])
    assert len(sign_off.revisions(store, "2024-09")) == 1


def test_the_running_month_is_not_signed(place: Site, store: Database) -> None:
    month = f"{datetime.now(place.settings().timezone):%Y-%m}"
    path = made(place, PREPARES, month)
    assert offered(place, path) == (0, ["This report is provisional: it is signed once the month is final."])
    assert refusal(sent(place, PREPARES, path)) == (
        409, "This report is provisional: it is signed once the month is final."
    )  # fmt: skip
    with place.visitor(PREPARES) as visitor:
        assert 'name="to_sign"' not in visitor.get(f"/en/months/{month}").text
    assert sign_off.revisions(store, month) == []


def test_a_report_that_was_made_to_read_is_not_signed(place: Site, store: Database) -> None:
    page = sent(place, PREPARES, "/en/months/2024-10", kind="html")
    with place.visitor(PREPARES) as visitor:
        assert until(lambda: "data-wait" not in visitor.get(page.url.path).text, 60)
    assert sent(place, PREPARES, page.url.path).status_code == 200
    assert sign_off.revisions(store, "2024-10") == []


@pytest.mark.parametrize(
    "path", ["/en/months/2024-11/revisions/1", "/fr/mois/2024-11/revisions/x", "/en/months/2024-12/revisions/1/x"]
)
def test_a_revision_or_file_that_there_is_not_is_not_found(place: Site, store: Database, path: str) -> None:
    if "2024-12" in path:
        kept(store, "2024-12")
    with place.visitor(VERIFIES) as visitor:
        assert visitor.get(path).status_code == 404


def test_a_file_that_was_changed_in_the_database_is_not_handed_out(place: Site, store: Database) -> None:
    kept(store, "2025-01")
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE signed_file SET data = x'00' WHERE month = '2025-01'")
    with place.visitor(VERIFIES) as visitor:
        answer = visitor.get(f"{revision('2025-01')}/callmon-r1.json")
    assert (answer.status_code, b"{}" in answer.content) == (503, False)


def test_a_revision_that_was_deleted_in_the_database_is_shown_as_altered(place: Site, store: Database) -> None:
    kept(store, "2025-02")
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM sign_off WHERE month = '2025-02'")
    with place.visitor(VERIFIES) as visitor:
        pages = [visitor.get(path) for path in (revision("2025-02"), "/en/months/2025-02")]
    assert [x.status_code for x in pages] == [200, 200]
    assert [text(x.text).count("ltered: the signed steps disagree") for x in pages] == [1, 1]


# Remarks.

FRENCH, ENGLISH = f"Une tempête <b> a fermé\nle bureau à 10{NO_BREAK}h.", "A storm <b> closed\nthe office."


def test_the_remarks_of_the_page_are_in_the_files_to_sign(place: Site, store: Database) -> None:
    written = {"remarks_fr": FRENCH, "remarks_en": ENGLISH}
    path = made(place, PREPARES, "2024-04", **written)
    assert sent(place, PREPARES, path).status_code == 200
    (one,) = sign_off.revisions(store, "2024-04")
    pages = {name: sign_off.read_signed(store, one, name).decode() for name in one.digests if "html" in name}
    remarks = {
        name: re.findall(r"<dt>(Le mois|The month)</dt><dd>(.*?)</dd>", page) for name, page in pages.items()
    }
    assert remarks == {
        "callmon-2024-04-r1-en.html": [("The month", "A storm &lt;b&gt; closed the office.")],
        "callmon-2024-04-r1-fr.html": [("Le mois", f"Une tempête &lt;b&gt; a fermé le bureau à 10{NO_BREAK}h.")],
    }


@pytest.mark.parametrize(
    "written",
    [{"remarks_fr": "Une tempête."}, {"remarks_en": "A storm.", "remarks_fr": " "},
     {"remarks_fr": "a", "remarks_en": "b" * 2001}],
)  # fmt: skip
def test_remarks_in_one_language_or_too_long_are_refused_and_kept(place: Site, written: dict[str, str]) -> None:
    answer = sent(place, PREPARES, "/en/months/2024-03", **MAKES, **written)
    assert refusal(answer) == (
        422,
        "Write the remarks in both languages, or in neither; at most 2,000 characters each.",
    )
    texts = dict(re.findall(r'<textarea id="remarks-(\w\w)".*?>(.*?)</textarea>', answer.text, re.DOTALL))
    assert texts == {x: written.get(f"remarks_{x}", "").strip() for x in ("fr", "en")}


TEXT = re.compile(r'<textarea id="remarks-(\w\w)".*?>(.*?)</textarea>', re.DOTALL)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_disruptions_of_the_month_are_proposed_as_remarks(place: Site, store: Database, language: str) -> None:
    began = datetime(2024, 2, 23, 15, 40, tzinfo=UTC)
    notice = Notice(reason_fr="panne du fournisseur", reason_en="failure of the provider")
    found = Disruption(
        id="storm", source="trunk", exchange="toronto", what="", lines=("tty",), began=began, notice=notice,
        ended=began + timedelta(hours=2), how="over",
    )  # fmt: skip
    with store.writing() as connection:
        BulkWriter(connection).insert(DISRUPTION, [row_of_disruption(found)], replacing(DISRUPTION))
    paths = [revision(month, language).partition("/revisions")[0] for month in ("2024-02", "2024-05")]
    with place.visitor(PREPARES) as visitor:
        pages = [visitor.get(path).text.replace(NO_BREAK, " ") for path in paths]
    assert [dict(TEXT.findall(page)) for page in pages] == [
        {
            "fr": "ATS, Toronto : perturbation du 23 février 2024 à 10 h 40 au 23 février 2024 à 12 h 40. "
            "Motif : panne du fournisseur.",
            "en": "TTY, Toronto: disruption from 23 February 2024 at 10:40 a.m. to 23 February 2024 at 12:40 p.m. "
            "Reason: failure of the provider.",
        },
        {"fr": "", "en": ""},
    ]
    proposed = {"fr": "Ce texte est proposé", "en": "This text is proposed"}[language]
    assert [proposed in page for page in pages] == [True, False]


def test_a_month_that_is_not_over_takes_no_remarks(place: Site) -> None:
    now = datetime.now(place.settings().timezone)
    with place.visitor(PREPARES) as visitor:
        assert TEXT.findall(visitor.get(f"/en/months/{now:%Y-%m}").text) == []
