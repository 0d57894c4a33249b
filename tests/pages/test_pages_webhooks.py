"""*Webhooks*: what became of each event, who sees it, and one that is sent again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from sqlmodel import select

from callmon.store.database import Database
from callmon.store.instances import found_rows, insert_rows
from callmon.store.tables.webhooks import WebhookRow
from tests.support.pages_app import Pages, pages

WEBHOOK = 'webhooks.desk = { url = "https://desk.example/TOKEN-IN-THE-ADDRESS", format = "slack" }\n'
AT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
ROWS = {
    "/en/webhooks": [
        ["desk", "a callback is overdue", "waiting", "2", "no connection"],
        ["desk", "a caller left a message", "given up after three days", "300", "HTTP 500"],
        ["desk", "a call ended without a person", "delivered", "1", "HTTP 204"],
    ],
    "/fr/webhooks": [
        ["desk", "un rappel est en retard", "en attente d’envoi", "2", "pas de connexion"],
        ["desk", "un message a été laissé", "abandonné après trois jours", "300", "HTTP 500"],
        ["desk", "un appel a pris fin sans réponse d’une personne", "livré", "1", "HTTP 204"],
    ],
}


def delivered(n: int, event: str, state: str, tries: int, answer: str) -> WebhookRow:
    named = {"id": f"msg_{n}", "webhook": "desk", "n": n, "event": event, "data": '{"data": {"call": "SENT"}}'}
    return WebhookRow(**named, state=state, since=AT, tries=tries, next=AT, answer=answer)


def fill(store: Database) -> None:
    with store.writing() as connection:
        insert_rows(
            connection,
            delivered(1, "call.missed", "done", 1, "204"),
            delivered(2, "message.left", "dead", 300, "500"),
            delivered(3, "callback.overdue", "waiting", 2, "no_connection"),
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Pages]:
    with pages(tmp_path, fill=fill, first=WEBHOOK) as found:
        yield found


@pytest.mark.parametrize("path", ROWS)
def test_each_delivery_is_shown_with_its_state_and_its_last_answer(site: Pages, path: str) -> None:
    page = unescape(site.visitors["administrator"].get(path).text).replace("\xa0", " ")
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    assert [[*row[:4], row[5]] for row in rows[1:]] == ROWS[path]
    assert ("TOKEN-IN-THE-ADDRESS" in page, "SENT" in page) == (False, False)


@pytest.mark.parametrize("role", ["viewer", "agent", "manager"])
def test_webhooks_are_the_administrators_alone(site: Pages, role: str) -> None:
    visitor = site.visitors[role]
    assert visitor.get("/en/webhooks").status_code == 403
    form = {"event": "msg_2", "webhook": "desk", "csrf": visitor.token("/en/callbacks")}
    assert visitor.post("/en/webhooks", data=form).status_code == 403


def test_a_delivery_is_sent_again_and_this_is_recorded(site: Pages) -> None:
    visitor = site.visitors["administrator"]
    token = visitor.token("/en/webhooks")
    done = visitor.post("/en/webhooks", data={"event": "msg_2", "webhook": "desk", "csrf": token})
    assert (done.status_code, done.headers["location"]) == (303, "/en/webhooks")
    with site.store.reading() as connection:
        rows = found_rows(connection, select(WebhookRow).order_by(WebhookRow.n))  # type: ignore[arg-type]
    assert [(row.state, row.tries) for row in rows] == [("done", 1), ("waiting", 0), ("waiting", 2)]
    assert "event sent again to a webhook" in visitor.get("/en/accesses").text


def test_before_the_first_event_the_page_says_so(tmp_path: Path) -> None:
    with pages(tmp_path) as found:
        assert "<p>Nothing was sent yet.</p>" in found.visitors["administrator"].get("/en/webhooks").text


@pytest.mark.parametrize(("first", "count"), [("", 0), (WEBHOOK, 1)], ids=["without", "with"])
def test_the_menu_has_the_page_where_there_is_a_webhook(tmp_path: Path, first: str, count: int) -> None:
    with pages(tmp_path, first=first) as found:
        page = found.visitors["administrator"].get("/en/").text
        viewers = found.visitors["viewer"].get("/en/").text
    link = '<a href="/en/webhooks">Webhooks</a>'
    assert (page.count(link), viewers.count(link)) == (count, 0)
