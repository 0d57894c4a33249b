"""The role matrix: each page, role and method, allowed or refused as docs/en/reference/pages-and-roles.md says.

`python -m tests.pages.test_pages_access` prints the table that belongs there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from callmon.site import FEATURES
from callmon.store.access import AuditRow, audit_events, record_event
from callmon.store.access_tokens import add_token
from callmon.web.auth import cookies, service
from callmon.web.auth.identity import RIGHTS, Right, Role
from callmon.web.auth.middleware import SECURITY_HEADERS
from callmon.web.auth.route import PageRoute, token
from callmon.web.auth.sign_in import CALLBACK
from callmon.web.auth.tokens import API, new_token
from callmon.web.entries import resources
from tests.support.pages_app import CALL, ENTRY, EXCHANGE, NOBODY, Pages, pages, shown
from tests.support.web_client import ELSEWHERE, Visitor

ROOT = Path(__file__).parents[2]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
WHO = (NOBODY, *(role.value for role in Role))
NAMES = {NOBODY: "nobody known", "agent": "callback agent"}
PARTS = {"exchange": EXCHANGE, "call": CALL, "id": ENTRY, "month": "2026-10", "name": "none", "file": "none"}
PARTS["revision"] = "1"
ROW = re.compile(r"^\| `(?P<path>/[^`]*)`(?:, `(?P<twin>/[^`]*)`)? \| (?P<methods>[A-Z, ]+) \|(?P<cells>.*)\|$")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("callmon.features.actions.PATIENCE_SECONDS", 0.0)  # no daemon applies commands here
        with pages(tmp_path_factory.mktemp("pages")) as opened:
            yield opened


# ── the table ──


def table(entries: tuple[PageRoute, ...]) -> list[str]:
    """The page's rows: path in French and English, methods, then who may, in the order of WHO."""
    rows = []
    for entry in entries:
        paths = ", ".join(f"`{path}`" for path in entry.paths.values())
        may = (entry.right is Right.OPEN, *(entry.right is Right.OPEN or entry.right in RIGHTS[x] for x in Role))
        rows.append(f"| {paths} | {', '.join(entry.methods)} | {' | '.join('yes' if x else 'no' for x in may)} |")
    return rows


def documented() -> list[str]:
    page = (ROOT / "docs/en/reference/pages-and-roles.md").read_text(encoding="utf-8")
    return [line for line in page.partition("## Who may see what")[2].splitlines() if ROW.match(line)]


def expected() -> dict[tuple[str, str], frozenset[str]]:
    """(path, method) → who may, as the page says."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for line in documented():
        row = ROW.match(line)
        assert row is not None
        cells = [cell.strip() == "yes" for cell in row["cells"].split("|")]
        may = frozenset(who for who, cell in zip(WHO, cells, strict=True) if cell)
        for path in filter(None, (row["path"], row["twin"])):
            found |= {(path, method): may for method in row["methods"].split(", ")}
    return found


def test_the_documented_table_is_the_table_of_routes(site: Pages) -> None:
    assert documented() == table(site.entries)


def test_no_route_is_without_an_entry_but_those_of_machines(site: Pages) -> None:
    guarded = {(path, entry.name) for entry in site.entries for path in entry.paths.values()}
    others = [route.path for route in site.routes if (route.path, route.name.partition(":")[0]) not in guarded]
    assert others == ["/metrics", "/healthz", "/-/healthy", "/-/ready", "/-/reload"]


# ── each page, role and method ──


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda part: PARTS[part[1]], path)


def is_refused(answer: httpx.Response) -> bool:
    """For want of a right: sent to sign in, or told."""
    if answer.status_code == 303:
        return answer.headers["location"].partition("?")[0] in ("/fr/connexion", "/en/sign-in")
    reported = ("Accès refusé", "Access refused", "Not signed in.", "Your role does not allow this.")
    is_told = answer.request.method == "HEAD" or any(text in answer.text for text in reported)
    return answer.status_code in (401, 403) and is_told


@pytest.mark.parametrize("who", WHO, ids=lambda who: who or "nobody")
def test_every_page_and_method_is_for_whom_the_documentation_says(site: Pages, who: str) -> None:
    known, visitor = expected(), site.visitors[who]
    token = visitor.token("/en/sign-in")
    wrong = []
    for path in {path for path, _ in known}:
        for method in METHODS:
            if (path, method) in (("/fr/deconnexion", "POST"), ("/en/sign-out", "POST")):
                continue  # they do what they say: test_sign_in
            may = known.get((path, "GET" if method == "HEAD" else method))
            answer = visitor.send(method, filled(path), headers={"X-CSRF": token})
            if not _as_said(answer, may, who, path):
                wrong.append((method, path, answer.status_code))
    assert wrong == []


def _as_said(answer: httpx.Response, may: frozenset[str] | None, who: str, path: str) -> bool:
    if {name: answer.headers.get(name) for name in SECURITY_HEADERS} != SECURITY_HEADERS:
        return False
    if may is None:
        return answer.status_code == 405
    if who not in may:
        return is_refused(answer)
    is_sign_in = path in ("/fr/connexion", "/en/sign-in", CALLBACK, "/fr/connexion/service", "/en/sign-in/service")
    return answer.status_code < 500 and answer.status_code != 405 and (is_sign_in or not is_refused(answer))


def test_a_token_that_is_read_everywhere_opens_the_api_alone(site: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a disguised address looks like one of the API to what reads the token, and not to the routes."""
    secret, row = new_token("disguised", frozenset({"manager"}), datetime.now(UTC), timedelta(days=1))
    add_token(site.store, row, AuditRow(at=row.made, who="root", act="token added"))
    monkeypatch.setattr(service, "bearer", lambda request: secret)
    program, kept = Visitor(site.gate, at=ELSEWHERE), cookies.new()
    program.cookies.set(cookies.FORM, kept)
    header = {"X-CSRF": token(kept, "token disguised")}
    let_in = {x for x in expected() if not is_refused(program.send(x[1], filled(x[0]), headers=header))}
    assert let_in == {(API + path, "GET") for path in (*(x.path for x in resources(FEATURES)), "/openapi.json")}


@pytest.mark.parametrize("who", WHO, ids=lambda who: who or "nobody")
def test_no_form_is_taken_without_its_token_from_anybody(site: Pages, who: str) -> None:
    posts = [path for path, method in expected() if method == "POST"]
    answers = [site.visitors[who].post(filled(path), data={"csrf": "x"}) for path in posts]
    assert [answer.status_code for answer in answers if answer.status_code not in (303, 401, 403)] == []
    forms = ("Formulaire périmé", "Form out of date")
    taken = [a for a in answers if not is_refused(a) and not any(text in a.text for text in forms)]
    assert taken == []


def test_a_person_elsewhere_without_a_session_sees_no_page(site: Pages) -> None:
    visitor = Visitor(site.gate, at=ELSEWHERE)
    closed = [path for (path, method), may in expected().items() if method == "GET" and NOBODY not in may]
    assert [path for path in closed if not is_refused(visitor.get(filled(path)))] == []


# ── numbers ──


def test_a_number_whose_access_cannot_be_written_down_is_not_shown(site: Pages) -> None:
    agent = site.visitors["agent"]
    token = agent.token("/en/sign-out")
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON access BEGIN SELECT RAISE(ABORT, 'full'); END"
    with site.store.writing() as connection:
        connection.execute(text(refuse))
    answer = agent.post(f"/fr/rappels/{ENTRY}/numero", data={"csrf": token})
    with site.store.writing() as connection:
        connection.execute(text("DROP TRIGGER refuse"))
    assert (answer.status_code, shown(answer.text)) == (503, [])


def test_what_is_done_by_hand_on_a_page_is_on_record(site: Pages) -> None:
    agent, manager = site.visitors["agent"], site.visitors["manager"]
    agent.post(f"/en/callbacks/{ENTRY}/record", data={"csrf": agent.token("/en/sign-out"), "action": "take"})
    manager.post("/en/disruptions", data={"csrf": manager.token("/en/sign-out"), "line": "general"})
    done = [(audit_event.who, audit_event.act, audit_event.about) for audit_event in audit_events(site.store)]
    assert ("agent", "callback", ENTRY) in done
    assert ("manager", "disruption", "") in done


def test_an_administrator_reads_who_saw_and_changed_what_and_no_number(site: Pages) -> None:
    agent, administrator = site.visitors["agent"], site.visitors["administrator"]
    token = agent.token("/en/sign-out")
    agent.post(f"/en/callbacks/{ENTRY}/number", data={"csrf": token})
    agent.post("/en/callbacks/4165550101/record", data={"csrf": token})
    page = administrator.get("/en/accesses").text
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    assert [part for part in rows[1].split("|") if part][1:] == [
        "agent",
        "change of a callback entry asked for",
        "#",
        "127.0.0.1",
    ]
    looks = [row for row in rows if "number looked at" in row]
    assert (len(looks) > 0, shown(page)) == (True, [])


@pytest.mark.parametrize(
    ("act", "about", "reported"),
    [
        ("disruption", "general-1795527733", "general-1795527733"),
        ("report approved", "2026-10 revision 2", "2026-10 révision 2"),
        ("report mailed again", "2026-10 internal final lead@ministry.example",
         "2026-10 rapport interne définitif lead@ministry.example"),
        ("account roles", "final", "final"),
    ],
)  # fmt: skip
def test_the_object_of_an_act_is_readable_in_french(site: Pages, act: str, about: str, reported: str) -> None:
    record_event(site.store, AuditRow(at=datetime.now(UTC), who="m.roy", act=act, about=about))
    page = site.visitors["administrator"].get("/fr/consultations").text
    first = re.findall(r"<tr>(.*?)</tr>", page)[1]
    assert re.findall(r'data-name="Élément">([^<]+)<', first) == [reported]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pages(Path(folder)) as opened:
        head = ["page (French, English)", "method", *(NAMES.get(who, who) for who in WHO)]
        print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")  # noqa: T201  it prints the table
        print("\n".join(table(opened.entries)))  # noqa: T201  likewise
