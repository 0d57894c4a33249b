"""Whether a message was left in a gap: the box's count and the dialplan's own word, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from callmon.ami.mailboxes import Mailboxes, MailboxGrowth
from callmon.backfill.cel.rows import CelRow
from callmon.backfill.job import Backfill, Window
from callmon.config.settings import example
from callmon.core.calls.call import Call
from callmon.store.commands import pending_callback_commands
from callmon.store.database import Database
from tests.recordings.test_cel import rows_of
from tests.recordings.test_traces import TRACES
from tests.store.test_mailboxes import MINUTE, NOON
from tests.support.store_fixtures import EXCHANGE

SECOND = timedelta(seconds=1)
MESSAGE = rows_of(TRACES / "vm_message" / "cel.csv")
BEGIN, END = min(row.at for row in MESSAGE), max(row.at for row in MESSAGE)


def grew(messages: int = 1, since: datetime = BEGIN, until: datetime = END + 5 * SECOND) -> MailboxGrowth:
    return MailboxGrowth(since, until, messages)


def again(rows: Sequence[CelRow], by: timedelta, mark: str = "9") -> list[CelRow]:
    """The same as another call, so much later."""
    return [
        msgspec.structs.replace(
            row, at=row.at + by, n=row.n + 1000, uniqueid=row.uniqueid + mark, linkedid=row.linkedid + mark,
            channel=row.channel + mark,
        )
        for row in rows
    ]  # fmt: skip


def calls(
    store: Database,
    rows: Sequence[CelRow],
    *growths: MailboxGrowth,
    box: str = "500",
    windows: list[Window] | None = None,
) -> list[Call]:
    work = Backfill(example(), store, EXCHANGE, {box: growths})
    return [change.call for filled in work.run(rows, windows) for change in filled.changes]


def said(store: Database, rows: Sequence[CelRow], *growths: MailboxGrowth, box: str = "500") -> list[str]:
    return sorted(call.outcome for call in calls(store, rows, *growths, box=box))


def test_the_one_call_in_a_mailbox_grown_by_one_left_the_message(store: Database) -> None:
    (call,) = calls(store, MESSAGE, grew())
    assert (call.outcome, call.heard) == ("voicemail_message", "filled")
    assert call.voicemail is not None
    assert (call.voicemail.mailbox, call.voicemail.message) == ("500", True)
    ((hand, _),) = pending_callback_commands(store, 0, store.ring.token)
    assert hand.received is not None
    assert (hand.action, hand.received.message) == ("owe", True)


@pytest.mark.parametrize("messages", [0, -1, 2])
def test_a_box_that_did_not_grow_by_just_one_tells_nothing(sqlite_store: Database, messages: int) -> None:
    assert said(sqlite_store, MESSAGE, grew(messages)) == ["voicemail"]


def test_of_two_calls_in_a_box_that_grew_by_one_nobody_knows_which_left_it(sqlite_store: Database) -> None:
    both = [*MESSAGE, *again(MESSAGE, 3 * SECOND)]
    assert said(sqlite_store, both, grew()) == ["voicemail", "voicemail"]


def test_of_two_calls_hours_apart_each_is_known_by_its_own_gap(sqlite_store: Database) -> None:
    later = timedelta(hours=3)
    first, second = grew(), grew(0, BEGIN + later, END + later + 5 * SECOND)
    both = [*MESSAGE, *again(MESSAGE, later)]
    assert said(sqlite_store, both, first, second) == ["voicemail", "voicemail_message"]


def test_one_gap_over_both_of_them_tells_of_neither(sqlite_store: Database) -> None:
    later = timedelta(hours=3)
    whole = grew(1, BEGIN, END + later + 5 * SECOND)
    assert said(sqlite_store, [*MESSAGE, *again(MESSAGE, later)], whole) == ["voicemail", "voicemail"]


def test_another_box_that_grew_tells_nothing(sqlite_store: Database) -> None:
    assert said(sqlite_store, MESSAGE, grew(), box="501") == ["voicemail"]


def test_a_box_of_the_same_name_in_another_context_is_another(sqlite_store: Database) -> None:
    sales = [msgspec.structs.replace(row, data=row.data.replace("500@default", "500@sales")) for row in MESSAGE]
    assert any("500@sales" in row.data for row in sales)
    assert said(sqlite_store, sales, grew()) == ["voicemail"]


def test_a_box_that_somebody_opened_meanwhile_tells_nothing(sqlite_store: Database) -> None:
    row = msgspec.structs.replace(
        MESSAGE[0], kind="APP_START", app="VoiceMailMain", data="500", uniqueid="7.7", linkedid="7.7",
        at=BEGIN + SECOND, channel="PJSIP/101-00000077",
    )  # fmt: skip
    assert said(sqlite_store, sorted([*MESSAGE, row], key=lambda row: row.at), grew()) == ["voicemail"]


@pytest.mark.parametrize(
    ("since", "until", "outcome"),
    [
        (BEGIN - MINUTE, END + MINUTE, "voicemail_message"),
        (END + 3 * SECOND, END + MINUTE, "voicemail"),  # it had long been over
        (BEGIN - MINUTE, BEGIN, "voicemail"),  # it had not come there yet
        (END - SECOND, END + MINUTE, "voicemail_message"),  # the gap began while the caller spoke
    ],
)
def test_only_a_count_that_meets_the_stay_tells(
    sqlite_store: Database, since: datetime, until: datetime, outcome: str
) -> None:
    assert said(sqlite_store, MESSAGE, grew(1, since, until)) == [outcome]


def test_a_time_of_which_not_all_rows_were_read_tells_nothing(sqlite_store: Database) -> None:
    far = grew(1, BEGIN - timedelta(hours=2), END + 5 * SECOND)
    (call,) = calls(sqlite_store, MESSAGE, far, windows=[(BEGIN, END)])
    assert call.outcome == "voicemail"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("SUCCESS", "voicemail_message"), ("FAILED", "voicemail_no_message"), ("USEREXIT", "voicemail")],
)
def test_what_the_dialplan_wrote_into_cel_itself_is_known(
    sqlite_store: Database, status: str, outcome: str
) -> None:
    hangup = next(row for row in MESSAGE if row.kind == "HANGUP" and row.uniqueid == row.linkedid)
    word = msgspec.structs.replace(
        hangup, kind="USER_DEFINED", said="CallmonVoicemail", extra=f'{{"extra":"Status: {status},Mailbox: 500"}}'
    )
    at = MESSAGE.index(hangup)
    assert said(sqlite_store, [*MESSAGE[:at], word, *MESSAGE[at:]]) == [outcome]


# The box, as the exchange tells of it.


def gap(mailboxes: Mailboxes, before: int, after: int, waiting: int | None = None) -> list[MailboxGrowth]:
    mailboxes.record_listing("500", str(before), "100", NOON)
    mailboxes.begin_gap(NOON + MINUTE)
    mailboxes.begin_gap()  # the next connection
    if waiting is not None:
        mailboxes.record_message_waiting("500@default", str(waiting), NOON + 2 * MINUTE)
    mailboxes.record_listing("500", str(after), "100", NOON + 2 * MINUTE)
    return mailboxes.grown.get("500", [])


def test_a_growth_is_from_the_last_word_before_to_the_first_count_after() -> None:
    assert gap(Mailboxes(["500"]), 2, 3) == [MailboxGrowth(NOON + MINUTE, NOON + 2 * MINUTE, 1)]
    assert gap(Mailboxes(["500"]), 2, 0) == [MailboxGrowth(NOON + MINUTE, NOON + 2 * MINUTE, -2)]


def test_a_message_received_before_the_count_makes_that_count_useless() -> None:
    assert gap(Mailboxes(["500"]), 2, 3, waiting=3) == []


def test_a_box_that_was_not_counted_before_the_gap_has_no_growth() -> None:
    mailboxes = Mailboxes(["500"])
    mailboxes.begin_gap(NOON)
    mailboxes.record_listing("500", "3", "100", NOON + MINUTE)
    assert mailboxes.grown == {}


def test_two_gaps_without_a_count_between_are_one() -> None:
    mailboxes = Mailboxes(["500"])
    mailboxes.record_listing("500", "2", "100", NOON)
    for minutes in (1, 2, 3):
        mailboxes.begin_gap(NOON + minutes * MINUTE)
    mailboxes.record_listing("500", "3", "100", NOON + 4 * MINUTE)
    assert mailboxes.grown["500"] == [MailboxGrowth(NOON + MINUTE, NOON + 4 * MINUTE, 1)]
