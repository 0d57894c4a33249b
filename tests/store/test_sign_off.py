"""The sign-off of a month: three steps, one person never alone, bytes kept for good, and what a file is."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import text

from callmon.daemon.host_state import FileCheck
from callmon.errors import StoreError
from callmon.features.months.signed import last_signed
from callmon.store import sign_off
from callmon.store.access import AuditRow, audit_events
from callmon.store.database import Database, open_store
from callmon.store.encryption import KeyMissingError, KeyRing
from callmon.store.privacy.key_rotation import rotate
from callmon.store.sign_off import (
    SignatureCheck,
    SignedRevision,
    SignOffError,
    Step,
    StepSignature,
    altered_revisions,
    check_file,
    keep_prepared,
    read_signed,
    revisions,
    sign,
)
from callmon.store.tables import microseconds
from callmon.store.view import View
from tests.support.store_fixtures import POSTGRESQL, RING, until

OTHER = "2026-09"
MONTH, AT = "2026-10", datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
FILES = [
    ("callmon-2026-10-r1-fr.pdf", b"%PDF fr\0\xff"),
    ("callmon-2026-10-r1-en.pdf", b"%PDF en"),
    ("r1.json", b"{}"),
]
SECOND = [(name.replace("r1", "r2"), data + b" corrected") for name, data in FILES]


def audit_event(who: str, minutes: int = 0) -> AuditRow:
    return AuditRow(at=AT + timedelta(minutes=minutes), who=who, act="", address="192.0.2.7")


def prepared(store: Database, who: str = "g.lavoie", number: int = 1) -> SignedRevision:
    return keep_prepared(store, MONTH, number, FILES if number == 1 else SECOND, audit_event(who, 10 * number))


def approved(store: Database, number: int = 1) -> None:
    prepared(store, number=number)
    sign(store, MONTH, number, "verified", audit_event("a.roy", 10 * number + 1))
    sign(store, MONTH, number, "approved", audit_event("d.morin", 10 * number + 2))


def refused(store: Database, number: int, step: Step, who: str) -> tuple[str, str | None]:
    """Why, and who had signed the step already. Nothing is signed."""
    before = revisions(store)
    with pytest.raises(SignOffError) as refusal:
        sign(store, MONTH, number, step, audit_event(who))
    assert revisions(store) == before
    return refusal.value.why, refusal.value.signature and refusal.value.signature.who


def test_three_steps_sign_every_file_with_person_time_and_sha_256(store: Database) -> None:
    approved(store)
    (one,) = revisions(store)
    assert one == SignedRevision(
        MONTH,
        1,
        {name: sha256(data).hexdigest() for name, data in FILES},
        (
            StepSignature("prepared", AT + timedelta(minutes=10), "g.lavoie"),
            StepSignature("verified", AT + timedelta(minutes=11), "a.roy"),
            StepSignature("approved", AT + timedelta(minutes=12), "d.morin"),
        ),
    )
    with store.reading() as connection:
        rows = connection.execute(text("SELECT step, name, sha256 FROM sign_off")).all()
    assert sorted(map(tuple, rows)) == sorted(
        (step, name, sha256(data).hexdigest()) for step in sign_off.STEPS for name, data in FILES
    )


def test_the_audit_log_has_each_step_with_its_address(store: Database) -> None:
    approved(store)
    assert [(x.who, x.act, x.about, x.address) for x in audit_events(store)] == [
        ("g.lavoie", "report prepared", "2026-10 revision 1", "192.0.2.7"),
        ("a.roy", "report verified", "2026-10 revision 1", "192.0.2.7"),
        ("d.morin", "report approved", "2026-10 revision 1", "192.0.2.7"),
    ]


@pytest.mark.parametrize("step", ["verified", "approved"])
def test_the_person_who_prepared_signs_no_other_step(store: Database, step: Step) -> None:
    prepared(store)
    if step == "approved":
        sign(store, MONTH, 1, "verified", audit_event("a.roy"))
    assert [refused(store, 1, step, who) for who in ("g.lavoie", "G.Lavoie")] == [("own", None)] * 2


@pytest.mark.parametrize(
    "other",
    [
        "ge\u0301rard lavoie",  # é of two signs
        "g\u00e9rard\u200b lavoie",  # a blank without width
        "g\u00e9rard \u2060lavoie",
        "g\u00e9rard\u00adlavoie".replace("lavoie", " lavoie"),
        "\uff47\u00e9\uff52\uff41\uff52\uff44 lavoie",  # full width
        "G\u00c9RARD\u00a0LAVOIE",
        "g\u00e9rard  lavoie ",
        "g\u00e9rard\ufe0f lavoie",
        "g\u00e9rard\u3164lavoie".replace("lavoie", " lavoie"),
    ],
    ids=ascii,
)
def test_who_prepared_signs_no_other_step_under_another_spelling(store: Database, other: str) -> None:
    prepared(store, "g\u00e9rard lavoie")
    assert [refused(store, 1, step, other)[0] for step in ("verified",)] == ["own"]
    assert sign(store, MONTH, 1, "verified", audit_event("gerard lavoie")).step == "verified"  # another name


def test_steps_come_in_their_order_and_each_once(store: Database) -> None:
    assert refused(store, 1, "verified", "a.roy") == ("not_kept", None)
    prepared(store)
    assert refused(store, 1, "approved", "a.roy") == ("not_yet", None)
    assert refused(store, 1, "prepared", "a.roy") == ("already", "g.lavoie")
    sign(store, MONTH, 1, "verified", audit_event("a.roy"))
    assert refused(store, 1, "verified", "d.morin") == ("already", "a.roy")
    assert refused(store, 2, "verified", "d.morin") == ("not_kept", None)


def test_of_two_persons_who_approve_at_the_same_time_one_signs(store: Database) -> None:
    prepared(store)
    sign(store, MONTH, 1, "verified", audit_event("a.roy"))
    reported: list[str] = []
    start = threading.Barrier(2)

    def approve(who: str) -> None:
        start.wait()
        try:
            sign(store, MONTH, 1, "approved", audit_event(who))
            reported.append("signed")
        except SignOffError as error:
            reported.append(error.why)

    both = [threading.Thread(target=approve, args=(who,)) for who in ("d.morin", "l.caron")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(reported) == ["already", "signed"]
    assert [x.act for x in audit_events(store)].count("report approved") == 1


# Revisions.


def test_the_same_files_and_a_number_that_is_not_the_next_are_refused(store: Database) -> None:
    approved(store)
    reported = []
    for number, files in ((1, FILES), (2, FILES), (1, SECOND), (3, SECOND)):
        with pytest.raises(SignOffError) as refusal:
            keep_prepared(store, MONTH, number, files, audit_event("a.roy"))
        reported.append(refusal.value.why)
    assert reported == ["already", "already", "late", "late"]
    assert [(name, read_signed(store, revisions(store)[0], name)) for name, _ in FILES] == FILES


def test_an_approved_revision_is_in_force_until_a_later_one_is_approved(store: Database) -> None:
    approved(store)
    prepared(store, number=2)
    assert [x.superseded_by for x in revisions(store)] == [None, None]
    sign(store, MONTH, 2, "verified", audit_event("a.roy"))
    sign(store, MONTH, 2, "approved", audit_event("a.roy"))
    assert [x.superseded_by for x in revisions(store)] == [2, None]
    first, second = revisions(store, MONTH)
    assert [read_signed(store, first, name) for name, _ in FILES] == [data for _, data in FILES]
    assert [read_signed(store, second, name) for name, _ in SECOND] == [data for _, data in SECOND]


def test_a_revision_that_was_not_approved_is_superseded_by_the_next_one(store: Database) -> None:
    prepared(store)
    prepared(store, "a.roy", number=2)
    assert [(x.superseded_by, x.next_step) for x in revisions(store)] == [(2, None), (None, "verified")]
    assert refused(store, 1, "verified", "d.morin") == ("superseded", None)


def test_another_month_supersedes_nothing(store: Database) -> None:
    approved(store)
    keep_prepared(store, "2026-11", 1, [("x.json", b"[]")], audit_event("a.roy"))
    assert [(x.month, x.number, x.superseded_by) for x in revisions(store)] == [
        ("2026-10", 1, None),
        ("2026-11", 1, None),
    ]
    assert [x.month for x in revisions(store, "2026-11")] == ["2026-11"]


# Files.


def reported(store: Database, name: str, data: bytes) -> tuple[str, int | None]:
    check = check_file(store, name, data)
    assert check.digest == sha256(data).hexdigest()
    return check.result, check.revision and check.revision.number


def test_a_file_is_what_its_bytes_are_whatever_its_name(store: Database) -> None:
    name, data = FILES[0]
    assert check_file(store, name, data) == SignatureCheck("not_signed", sha256(data).hexdigest())
    prepared(store)
    assert reported(store, name, data) == ("in_progress", 1)
    sign(store, MONTH, 1, "verified", audit_event("a.roy"))
    assert reported(store, name, data) == ("in_progress", 1)
    sign(store, MONTH, 1, "approved", audit_event("a.roy"))
    assert [reported(store, x, data) for x in (name, "copy.pdf")] == [("approved", 1)] * 2
    approved(store, number=2)
    assert [reported(store, name, data), reported(store, *SECOND[0])] == [("superseded", 1), ("approved", 2)]


def test_one_changed_byte_makes_a_file_altered_and_a_name_not_signed(store: Database) -> None:
    approved(store)
    name, data = FILES[0]
    for other in (data + b"\n", data[:-1], bytes([data[0] ^ 1]) + data[1:], b""):
        assert (reported(store, name, other), reported(store, "x.pdf", other)) == (
            ("altered", 1),
            ("not_signed", None),
        )


@pytest.mark.parametrize("wrong", [zlib.compress(b'{"calls": 1}'), b"x\x9c", b""])
def test_bytes_that_were_changed_in_the_database_are_never_given_as_signed(store: Database, wrong: bytes) -> None:
    one = prepared(store)
    with store.writing() as connection:
        connection.execute(text("UPDATE signed_file SET data = :data"), {"data": wrong})
    with pytest.raises(StoreError) as refusal:
        read_signed(store, one, "r1.json")
    assert str(refusal.value) == f"the database {store}: r1.json has other bytes than those that were signed"


def forged(store: Database) -> bytes:
    """The bytes of a file and the row of its first step are changed together; those of the later steps stay."""
    data = b'{"calls": 1}'
    with store.writing() as connection:
        change = text("UPDATE signed_file SET data = :data WHERE name = 'r1.json'")
        connection.execute(change, {"data": zlib.compress(data)})
        change = text("UPDATE sign_off SET sha256 = :digest WHERE name = 'r1.json' AND step = 'prepared'")
        connection.execute(change, {"digest": sha256(data).hexdigest()})
    return data


COPIED = (
    "INSERT INTO sign_off SELECT month, revision, :step, name, at, 'd.morin', sha256, mac FROM sign_off "
    "WHERE step = 'prepared'"
)
IS_ALTERED = (
    f"sign-off: revision 1 of {MONTH} was altered in the database: its signatures disagree with each other, "
    "with the audit log or with the key file. Find out who may write there, and restore a backup."
)


def test_a_file_and_its_row_changed_together_are_never_approved(store: Database) -> None:
    approved(store)
    assert altered_revisions(store) == []
    data = forged(store)
    assert (reported(store, "r1.json", data), reported(store, *FILES[0])[0]) == (("altered", 1), "altered")
    assert [str(x) for x in altered_revisions(store)] == [IS_ALTERED]
    (revision,) = revisions(store)
    for name in revision.digests:
        with pytest.raises(StoreError):
            read_signed(store, revision, name)


@pytest.mark.parametrize("step", ["verified", "approved"])
def test_a_step_that_the_audit_log_lacks_approves_nothing(store: Database, step: str) -> None:
    prepared(store)
    if step == "approved":
        sign(store, MONTH, 1, "verified", audit_event("a.roy"))
    with store.writing() as connection:
        connection.execute(text(COPIED), {"step": step})
    assert reported(store, *FILES[0]) == ("altered", 1)
    assert refused(store, 1, "approved", "d.roy")[0] in ("altered", "already")


def change_by_sql(store: Database, *changes: str) -> None:
    with store.writing() as connection:
        for change in changes:
            connection.execute(text(change))


LATER_APPROVAL = "revision = 2 AND step = 'approved'"


@pytest.mark.parametrize(
    ("changes", "result", "altered"),
    [
        (["DELETE FROM sign_off WHERE revision = 2"], ("superseded", 1), [2]),
        ([f"DELETE FROM sign_off WHERE {LATER_APPROVAL}"], ("superseded", 1), [2]),
        ([f"UPDATE sign_off SET mac = '' WHERE {LATER_APPROVAL}"], ("superseded", 1), [2]),
        (
            [
                f"UPDATE sign_off SET who = 'l.caron' WHERE {LATER_APPROVAL}",
                "UPDATE audit SET who = 'l.caron' WHERE act = 'report approved' AND about LIKE '%2'",
            ],
            ("superseded", 1),
            [2],
        ),
        (["UPDATE sign_off SET revision = 3 WHERE revision = 1"], ("altered", 3), [1, 3]),
        (["DELETE FROM sign_off"], ("not_signed", None), [1, 2]),
    ],
    ids=["revision deleted", "approval deleted", "code emptied", "signer changed", "renumbered", "all deleted"],
)
def test_a_correction_taken_back_in_the_database_puts_no_file_in_force(
    store: Database, changes: list[str], result: tuple[str, int | None], altered: list[int]
) -> None:
    approved(store)
    approved(store, number=2)
    change_by_sql(store, *changes)
    assert reported(store, *FILES[0]) == result
    assert [x.number for x in revisions(store, MONTH) if x.is_altered] == altered
    assert revisions(store, OTHER) == []
    assert [x.values["number"] for x in altered_revisions(store)] == altered


def test_no_revision_is_made_after_one_that_was_deleted(store: Database) -> None:
    approved(store)
    change_by_sql(store, "DELETE FROM sign_off")
    with pytest.raises(StoreError):
        last_signed(store, MONTH)
    with pytest.raises(SignOffError) as refusal:
        prepared(store)
    assert refusal.value.why == "late"
    assert refused(store, 1, "verified", "a.roy") == ("altered", None)


def test_an_approval_that_the_audit_log_lacks_leaves_none_in_force(store: Database) -> None:
    approved(store)
    prepared(store, number=2)
    change_by_sql(
        store,
        *(f"{COPIED.replace(':step', repr(step))} AND revision = 2" for step in ("verified", "approved")),
    )
    assert (reported(store, *FILES[0]), reported(store, *SECOND[0])) == (("superseded", 1), ("altered", 2))


async def test_an_altered_revision_is_a_remark_of_health(store: Database) -> None:
    approved(store)
    forged(store)
    check = FileCheck(store)
    looking = asyncio.create_task(check.run())
    assert await asyncio.to_thread(until, check.remarks)
    looking.cancel()
    assert [str(x) for x in check.remarks()] == [IS_ALTERED]


# Keys. Who may write to every table, the audit log included, cannot sign without the key file.

RECORDED = "INSERT INTO audit (at, who, act, about, address) VALUES (:at, 'd.morin', :act, :about, '192.0.2.7')"


def approve_by_sql(store: Database) -> None:
    """An approval as `sign` stores it, with its record, but with the code of the step before."""
    at = microseconds(AT + timedelta(hours=1))
    with store.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO sign_off SELECT month, revision, 'approved', name, :at, 'd.morin', sha256, mac "
                "FROM sign_off WHERE step = 'verified'"
            ),
            {"at": at},
        )
        record = {"at": at, "act": "report approved", "about": f"{MONTH} revision 1"}
        connection.execute(text(RECORDED), record)


def rename_by_sql(store: Database) -> None:
    """Another person has approved, in the row and in its record."""
    sign(store, MONTH, 1, "approved", audit_event("d.morin", 12))
    with store.writing() as connection:
        connection.execute(text("UPDATE sign_off SET who = 'l.caron' WHERE step = 'approved'"))
        connection.execute(text("UPDATE audit SET who = 'l.caron' WHERE act = 'report approved'"))


def swap_by_sql(store: Database) -> None:
    """The approval of another month, with its record and its code, is this month's."""
    keep_prepared(store, OTHER, 1, FILES, audit_event("g.lavoie", 20))
    sign(store, OTHER, 1, "verified", audit_event("a.roy", 21))
    sign(store, OTHER, 1, "approved", audit_event("d.morin", 22))
    names = {"month": MONTH, "about": f"{MONTH} revision 1", "before": f"{OTHER} revision 1"}
    with store.writing() as connection:
        connection.execute(
            text(f"UPDATE sign_off SET month = :month WHERE month = '{OTHER}' AND step = 'approved'"), names
        )
        change = "UPDATE audit SET about = :about WHERE act = 'report approved' AND about = :before"
        connection.execute(text(change), names)
        connection.execute(text(f"DELETE FROM sign_off WHERE month = '{OTHER}'"))
        connection.execute(text("DELETE FROM audit WHERE about = :before"), names)


def drop_by_sql(store: Database) -> None:
    """A file that all steps have signed is no longer one of the revision."""
    sign(store, MONTH, 1, "approved", audit_event("d.morin", 12))
    with store.writing() as connection:
        connection.execute(text("DELETE FROM sign_off WHERE name = 'callmon-2026-10-r1-en.pdf'"))


def forge_code_by_sql(store: Database) -> None:
    """An approval with a code of no key."""
    approve_by_sql(store)
    with store.writing() as connection:
        connection.execute(text("UPDATE sign_off SET mac = 'é' WHERE step = 'approved'"))


@pytest.mark.parametrize("are_others", [True, False])
async def test_a_step_that_callmon_does_not_know_is_altered_and_ends_no_check(
    store: Database, are_others: bool
) -> None:
    prepared(store)
    with store.writing() as connection:
        if are_others:
            connection.execute(text(COPIED), {"step": "published"})
        else:
            connection.execute(text("UPDATE sign_off SET step = 'published'"))
    check = FileCheck(store)
    looking = asyncio.create_task(check.run())
    assert await asyncio.to_thread(until, lambda: check.remarks() or looking.done())
    assert [str(x) for x in check.remarks()] == [IS_ALTERED]
    looking.cancel()
    (revision,) = revisions(store)
    assert (revision.step, revision.next_step) == ("prepared", None)


@pytest.mark.parametrize(
    "forge", [approve_by_sql, rename_by_sql, swap_by_sql, drop_by_sql, forge_code_by_sql], ids=lambda x: x.__name__
)
async def test_write_access_to_all_tables_without_the_key_approves_nothing(
    store: Database, forge: Callable[[Database], None]
) -> None:
    prepared(store)
    sign(store, MONTH, 1, "verified", audit_event("a.roy", 11))
    forge(store)
    assert reported(store, *FILES[0]) == ("altered", 1)
    (revision,) = revisions(store)
    with pytest.raises(StoreError):
        read_signed(store, revision, "r1.json")
    check = FileCheck(store)
    looking = asyncio.create_task(check.run())
    assert await asyncio.to_thread(until, check.remarks)
    looking.cancel()
    assert [str(x) for x in check.remarks()] == [IS_ALTERED]


def codes(store: Database) -> set[str]:
    """The names of the keys of all codes."""
    with store.reading() as connection:
        return {mac.partition(":")[0] for (mac,) in connection.execute(text("SELECT mac FROM sign_off"))}


def test_a_rotated_key_verifies_and_later_the_new_one_does_alone(store: Database, url: str) -> None:
    approved(store)
    old, new = bytes(range(32)), bytes(range(1, 33))
    both = open_store(url, KeyRing([new, old]))
    assert reported(both, *FILES[0]) == ("approved", 1)
    assert [*rotate(both)] == []
    assert codes(both) == {KeyRing([new]).name}
    both.close()
    alone = open_store(url, KeyRing([new]))
    assert reported(alone, *FILES[0]) == ("approved", 1)
    alone.close()
    assert reported(store, *FILES[0]) == ("altered", 1)  # its ring has the old key alone


def test_a_rotation_signs_no_forged_step(store: Database, url: str) -> None:
    prepared(store)
    sign(store, MONTH, 1, "verified", audit_event("a.roy", 11))
    approve_by_sql(store)
    both = open_store(url, KeyRing([bytes(range(1, 33)), bytes(range(32))]))
    assert [*rotate(both)] == []
    assert codes(both) == {RING.name, both.ring.name}
    assert reported(both, *FILES[0]) == ("altered", 1)
    both.close()


@pytest.mark.parametrize("url", [POSTGRESQL], indirect=True)
def test_a_database_over_pairs_signs_and_a_rotation_signs_again(store: Database, url: str) -> None:
    over = store.seen_as(View())
    approved(over)
    assert reported(over, *FILES[0]) == ("approved", 1)
    both = open_store(url, KeyRing([bytes(range(1, 33)), bytes(range(32))])).seen_as(View())
    with pytest.raises(StoreError):  # the numbers are those of pairs
        [*rotate(both)]
    assert codes(store) == {both.ring.name}
    assert reported(both, *FILES[0]) == ("approved", 1)
    both.close()


def test_a_key_that_signed_a_step_is_one_that_the_database_needs(store: Database, url: str) -> None:
    prepared(store)
    with pytest.raises(StoreError, match=RING.name):
        open_store(url, KeyRing([bytes(range(1, 33))]))


def test_without_a_key_nothing_is_signed_and_no_file_is_checked(store: Database, url: str) -> None:
    without = open_store(url)
    with pytest.raises(KeyMissingError):
        prepared(without)
    assert revisions(store) == []
    approved(store)
    with pytest.raises(KeyMissingError):
        check_file(without, *FILES[0])
    without.close()
