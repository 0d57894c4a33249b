"""The files of a month's report that people sign, made from one Report: both languages, and its JSON. Blocks.

The JSON is signed with them, since the next revision is made from it. A revision names the one that it supersedes,
and lists exactly the figures that changed.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec

from callmon.features.months.formats.json import JsonPeriod, JsonState, Published, parse_report
from callmon.features.months.formats.mail import ApprovedReport
from callmon.store import sign_off
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.store.sign_off import SignedRevision, SignOffError


class ReportIdentity(msgspec.Struct, frozen=True):
    """What a JSON report says of itself. To read only this takes a fraction of the time of all figures."""

    callmon: str
    period: JsonPeriod
    state: JsonState
    changes: tuple[msgspec.Raw, ...]

    def is_same_as(self, before: Self) -> bool:
        """Whether this is the revision after `before`, and differs from it in nothing else."""
        state, other = self.state, before.state
        is_next = state.revision == other.revision + 1 and not self.changes
        same = (state.config_fingerprint, state.data_fingerprint, self.callmon)
        return is_next and same == (other.config_fingerprint, other.data_fingerprint, before.callmon)


def prepare(
    store: Database, files: Sequence[tuple[Path, bytes]], audit_event: AuditRow, has_remarks: bool = False
) -> SignedRevision:
    """Signs the files as prepared by `audit_event.who`, and keeps them. Raises SignOffError, StoreError.

    `has_remarks`: these may have changed; the JSON does not have them.
    """
    new = refuse_preparation(store, files, has_remarks)
    kept = [(path.name, data) for path, data in files]
    return sign_off.keep_prepared(store, new.period.month, new.state.revision, kept, audit_event)


def refuse_preparation(
    store: Database, files: Sequence[tuple[Path, bytes]], has_remarks: bool = False
) -> ReportIdentity:
    """Raises SignOffError for a provisional report, and for one in which nothing changed."""
    new = _identity(next(data for path, data in files if path.suffix == ".json"))
    if not new.state.final:
        raise SignOffError("not_final")
    known = sign_off.revisions(store, new.period.month)
    if known and not has_remarks and new.is_same_as(_identity(_json(store, known[-1])[0])):
        raise SignOffError("unchanged", known[-1], known[-1].signatures[0])
    digests = {path.name: sha256(data).hexdigest() for path, data in files}
    sign_off.refuse_prepared(known, new.state.revision, digests)
    return new


def last_signed(store: Database, month: str) -> tuple[Published, str] | None:
    """The JSON of the latest revision that was prepared, and its file's name."""
    known = sign_off.revisions(store, month)
    if not known:
        return None
    data, name = _json(store, known[-1])
    return parse_report(data, name), name


def approved(store: Database, month: str) -> ApprovedReport | None:
    """None for a month without an approved revision. Raises StoreError where a file has other bytes."""
    for found in sign_off.revisions(store, month):
        if found.step == sign_off.STEPS[-1] and found.superseded_by is None:
            files = [(name, sign_off.read_signed(store, found, name)) for name in found.digests]
            return ApprovedReport(found, _identity(_json(store, found)[0]).state, files)
    return None


def _identity(data: bytes) -> ReportIdentity:
    return msgspec.json.decode(data, type=ReportIdentity)


def _json(store: Database, revision: SignedRevision) -> tuple[bytes, str]:
    name = next((x for x in revision.digests if x.endswith(".json")), "")  # an altered one may have none
    return sign_off.read_signed(store, revision, name), name
