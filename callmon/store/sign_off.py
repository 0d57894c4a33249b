"""Sign-off of a month's report: who prepared, verified and approved it, when, and the SHA-256 of these bytes.

    prepared ─▶ verified ─▶ approved      the steps of one revision, in this order

A revision is the files of one report, kept bit for bit in the database. Each step signs all of its files. The
person who prepared a revision signs no other step of it, so that at least two persons have read it.

An approved revision is in force until a later one is approved. Before its approval, a revision is superseded once
a later one is prepared. Files and signatures are only ever inserted. Each step and its record in the audit log are
one transaction.

A revision is altered where its steps do not sign the same bytes, or are not those of the audit log. It is altered
too where no key of the key file has signed a step (`mac`). Without keys no `mac` is compared, and `check_file`
refuses. An altered revision may have been approved: no earlier one is in force. Who deletes steps with their
records, or puts an older database back, is not noticed. Who has the key file and may write to these tables can
forge a revision. An approved file that a person has kept shows both.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias
from unicodedata import category, normalize

import msgspec
from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from callmon.errors import CallmonError, Sentence, StoreError
from callmon.store.access import AuditRow, audited_text, insert_event
from callmon.store.bulk import record_key
from callmon.store.database import Database, database_errors
from callmon.store.encryption import KeyMissingError, KeyRing
from callmon.store.instances import found_rows, insert_rows
from callmon.store.tables import microseconds
from callmon.store.tables.reports import SignedFileRow, SignOffRow
from callmon.store.tables.reports import Step as Step

Result: TypeAlias = Literal["approved", "in_progress", "superseded", "altered", "not_signed"]
Revision: TypeAlias = tuple[str, int]  # month, number
RecordedStep: TypeAlias = tuple[datetime, str, str]  # time, person, step
BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
STEPS: tuple[Step, ...] = ("prepared", "verified", "approved")
RECORDED = select(AuditRow.at, AuditRow.who, AuditRow.act, AuditRow.about).where(
    col(AuditRow.act).in_([f"report {step}" for step in STEPS])
)
ABOUT = re.compile(r"(\d{4}-\d\d) revision (\d{1,9})", re.ASCII)


class StepSignature(NamedTuple):
    """One step. `who`: the name of an account, or that of a person whom a proxy or OpenID Connect identifies."""

    step: Step
    at: datetime
    who: str


class SignedRevision(msgspec.Struct, frozen=True):
    """One revision. `digests`: file name → SHA-256 in hexadecimal. `superseded_by`: the number of a later one."""

    month: str
    number: int
    digests: Mapping[str, str]
    signatures: tuple[StepSignature, ...]
    superseded_by: int | None = None
    is_altered: bool = False

    @property
    def step(self) -> Step:
        """The last step that was signed; the first, where an altered revision has none."""
        return self.signatures[-1].step if self.signatures else STEPS[0]

    @property
    def next_step(self) -> Step | None:
        """The step to sign now; None once approved, superseded or altered."""
        is_over = self.is_altered or self.superseded_by is not None or self.step == STEPS[-1]
        return None if is_over else STEPS[len(self.signatures)]


class SignOffError(CallmonError):
    """A signature that callmon refuses. `why`: a key of the label kind "sign_off_refusal".

    `revision`: the one that stands against it. `signature`: the one that was given already.
    """

    def __init__(
        self, why: str, revision: SignedRevision | None = None, signature: StepSignature | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.revision = revision
        self.signature = signature


class SignatureCheck(NamedTuple):
    """What the signatures say of a file. `revision`: the one that has it, or has another file of its name."""

    result: Result
    digest: str
    revision: SignedRevision | None = None


def revisions(store: Database, month: str | None = None) -> list[SignedRevision]:
    """The revisions of a month, or of every month, the oldest first."""
    with database_errors(store), store.reading() as connection:
        return _revisions(connection, store.ring, month)


def _revisions(connection: Connection, ring: KeyRing, month: str | None) -> list[SignedRevision]:
    recorded, made = _recorded(connection, month), []
    kept = groupby(_rows(connection, month), lambda row: (row.month, row.revision))
    known = {key: list(rows) for key, rows in kept}
    for of, number in sorted(known.keys() | recorded.keys()):
        rows = known.get((of, number), [])
        given = dict.fromkeys(StepSignature(row.step, row.at, row.who) for row in rows)
        signatures = sorted((x for x in given if x.step in STEPS), key=lambda x: STEPS.index(x.step))
        by_step = _by_step(rows)
        digests = {row.name: row.sha256 for row in by_step.get(STEPS[0], ())}
        is_altered = (
            any(digests != {row.name: row.sha256 for row in its} for its in by_step.values())
            or tuple(x.step for x in signatures) != STEPS[: len(by_step)]
            or {(x.at, audited_text(x.who), x.step) for x in signatures} != recorded[of, number]
            or (bool(ring) and not all(_is_signed(ring, its) for its in by_step.values()))
        )
        made.append(SignedRevision(of, number, digests, tuple(signatures), is_altered=is_altered))
    return [x for _, some in groupby(made, lambda x: x.month) for x in _superseded(list(some))]


def _recorded(connection: Connection, month: str | None) -> defaultdict[Revision, set[RecordedStep]]:
    """The steps of each revision in the audit log."""
    found = defaultdict[Revision, set[RecordedStep]](set)
    for at, who, act, about in connection.execute(RECORDED):
        if (told := ABOUT.fullmatch(about)) and month in (None, told[1]):
            found[told[1], int(told[2])].add((at, who, act.removeprefix("report ")))
    return found


def _rows(connection: Connection, month: str | None = None) -> list[SignOffRow]:
    order = map(col, (SignOffRow.month, SignOffRow.revision, SignOffRow.at, SignOffRow.name))
    steps = select(SignOffRow).order_by(*order)
    return found_rows(connection, steps if month is None else steps.where(SignOffRow.month == month))


def _by_step(rows: Sequence[SignOffRow]) -> dict[Step, list[SignOffRow]]:
    """The rows of a revision, by their step."""
    return {step: [row for row in rows if row.step == step] for step in dict.fromkeys(x.step for x in rows)}


def _is_signed(ring: KeyRing, rows: Sequence[SignOffRow]) -> bool:
    """Whether keys of the ring have signed these rows of one step."""
    data = _signed_bytes(rows)
    return all(ring.is_signed(data, row.mac) for row in rows)


def _signed_bytes(rows: Sequence[SignOffRow]) -> bytes:
    """What a key signs: every column of all rows of a step but `mac`."""
    return msgspec.json.encode(
        sorted((x.month, x.revision, x.step, x.name, microseconds(x.at), x.who, x.sha256) for x in rows)
    )


def _superseded(found: Sequence[SignedRevision]) -> Iterator[SignedRevision]:
    """The revisions of one month, each with the one that superseded it."""
    approved = max((x.number for x in found if x.step == STEPS[-1] or x.is_altered), default=0)
    for x in found:
        later = approved if x.step == STEPS[-1] else found[-1].number
        yield msgspec.structs.replace(x, superseded_by=later if later > x.number else None)


def altered_revisions(store: Database, month: str | None = None) -> list[Sentence]:
    """A sentence for each revision, of the month or of any, whose signatures were altered in the database."""
    return [
        Sentence(
            "sign-off: revision {number} of {month} was altered in the database: its signatures disagree with "
            "each other, with the audit log or with the key file. Find out who may write there, and restore a "
            "backup.",
            number=found.number,
            month=found.month,
        )
        for found in revisions(store, month)
        if found.is_altered
    ]


def read_signed(store: Database, revision: SignedRevision, name: str) -> bytes:
    """The bytes of a signed file. Raises StoreError where the database no longer has exactly these."""
    if revision.is_altered:
        sentence = Sentence("its signatures disagree with each other, with the audit log or with the key file")
        raise StoreError("the database {store}: {why}", store=store, why=sentence)
    with database_errors(store), store.reading() as connection:
        key = (SignedFileRow.month == revision.month, SignedFileRow.revision == revision.number)
        data = connection.scalar(select(SignedFileRow.data).where(*key, SignedFileRow.name == name))
    try:
        found = b"" if data is None else zlib.decompress(data)
    except zlib.error:
        found = b""
    if sha256(found).hexdigest() != revision.digests[name]:
        sentence = Sentence("{name} has other bytes than those that were signed", name=name)
        raise StoreError("the database {store}: {why}", store=store, why=sentence)
    return found


def check_file(store: Database, name: str, data: bytes) -> SignatureCheck:
    """What the signatures say of a file with this name and these bytes."""
    digest, found = sha256(data).hexdigest(), revisions(store)[::-1]
    if found and not store.ring:
        raise KeyMissingError("no key is available to encrypt numbers or to sign: set privacy.key_file")
    if (own := next((x for x in found if digest in x.digests.values()), None)) is None:
        other = next((x for x in found if name in x.digests), None)
        return SignatureCheck("not_signed" if other is None else "altered", digest, other)
    if own.is_altered:
        return SignatureCheck("altered", digest, own)
    if own.superseded_by is not None:
        return SignatureCheck("superseded", digest, own)
    return SignatureCheck("approved" if own.step == STEPS[-1] else "in_progress", digest, own)


# Signing.


def keep_prepared(
    store: Database, month: str, number: int, files: Sequence[tuple[str, bytes]], audit_event: AuditRow
) -> SignedRevision:
    """Keeps the files as revision `number`, prepared by `audit_event.who`. Raises SignOffError.

    The number must be the next one: a report names the revision before it.
    """
    digests = {name: sha256(data).hexdigest() for name, data in files}

    def keep(connection: Connection) -> None:
        refuse_prepared(_revisions(connection, store.ring, month), number, digests)
        rows = [
            SignedFileRow(month=month, revision=number, name=name, data=zlib.compress(data))
            for name, data in files
        ]
        insert_rows(connection, *rows)
        _insert(connection, store, SignedRevision(month, number, digests, ()), STEPS[0], audit_event)

    return _signed(store, month, number, keep)


def refuse_prepared(known: Sequence[SignedRevision], number: int, digests: Mapping[str, str]) -> None:
    """Raises SignOffError if these files cannot become revision `number` of a month with the `known` ones."""
    if (same := next((x for x in known if x.digests == digests), None)) is not None:
        raise SignOffError("already", same, same.signatures[0])
    if number != (known[-1].number if known else 0) + 1:
        raise SignOffError("late", known[-1])


def sign(store: Database, month: str, number: int, step: Step, audit_event: AuditRow) -> SignedRevision:
    """Signs a later step of a revision, as `audit_event.who`. Raises SignOffError."""

    def sign_kept(connection: Connection) -> None:
        found = next((x for x in _revisions(connection, store.ring, month) if x.number == number), None)
        refuse_signature(found, step, audit_event.who)
        assert found is not None
        _insert(connection, store, found, step, audit_event)

    return _signed(store, month, number, sign_kept)


def refuse_signature(revision: SignedRevision | None, step: Step, who: str) -> None:
    """Raises SignOffError if this person may not sign this step now."""
    if revision is None:
        raise SignOffError("not_kept")
    if given := next((x for x in revision.signatures if x.step == step), None):
        raise SignOffError("already", revision, given)
    if revision.is_altered:
        raise SignOffError("altered", revision)
    if revision.superseded_by is not None:
        raise SignOffError("superseded", revision)
    if step != revision.next_step:
        raise SignOffError("not_yet", revision)
    if same_person(who, revision.signatures[0].who):
        raise SignOffError("own", revision)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one, however they are written: é composed or not, full width, with unseen signs."""
    return _as_seen(one) == _as_seen(other)


def _as_seen(name: str) -> str:
    folded = normalize("NFKC", normalize("NFKC", name).casefold())
    return " ".join("".join(x for x in folded if not _is_unseen(x)).split())


def _is_unseen(sign: str) -> bool:
    """A format sign, a variation selector, or one of the few letters that are blank."""
    is_selector = "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef"
    return category(sign) in ("Cf", "Cc") or is_selector or sign in BLANK


def _insert(
    connection: Connection, store: Database, revision: SignedRevision, step: Step, audit_event: AuditRow
) -> None:
    rows = [
        SignOffRow(
            month=revision.month,
            revision=revision.number,
            step=step,
            name=name,
            at=audit_event.at,
            who=audit_event.who,
            sha256=digest,
            mac="",
        )
        for name, digest in revision.digests.items()
    ]
    mac = store.ring.sign(_signed_bytes(rows))
    if store.view is None:  # the database over all pairs has no names of keys of its own
        record_key(connection, store.ring)
    insert_rows(connection, *(row.model_copy(update={"mac": mac}) for row in rows))
    act, about = _record(step, revision.month, revision.number)
    insert_event(connection, audit_event.model_copy(update={"act": act, "about": about}))


def sign_again(connection: Connection, ring: KeyRing) -> None:
    """Signs with the newest key the steps that an older one has signed. Other rows stay as they are."""
    for (month, number), some in groupby(_rows(connection), lambda row: (row.month, row.revision)):
        for step, rows in _by_step(list(some)).items():
            mac = ring.sign(_signed_bytes(rows))
            if _is_signed(ring, rows) and any(row.mac != mac for row in rows):
                same = (col(SignOffRow.month) == month, col(SignOffRow.revision) == number)
                connection.execute(update(SignOffRow).where(*same, col(SignOffRow.step) == step).values(mac=mac))


def _record(step: Step, month: str, number: int) -> tuple[str, str]:
    """Act and object of this step in the audit log."""
    return f"report {step}", f"{month} revision {number}"


def _signed(store: Database, month: str, number: int, act: Callable[[Connection], None]) -> SignedRevision:
    with database_errors(store):
        try:
            _write(store, act)
        except IntegrityError:  # another person signed at the same time: `act` sees that now, and refuses
            _write(store, act)
    return next(x for x in revisions(store, month) if x.number == number)


def _write(store: Database, act: Callable[[Connection], None]) -> None:
    with store.writing() as connection:
        act(connection)
