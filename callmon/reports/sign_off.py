"""The files of a month's report that people sign, made from one Report: both languages, and its JSON. Blocks.

The JSON is signed with them, since the next revision is made from it. A revision names the one that it supersedes,
and lists exactly the figures that changed.
"""

from collections.abc import Sequence
from pathlib import Path

from callmon.reports.formats.json import Published, parse_report
from callmon.store import sign_off
from callmon.store.access import AuditEvent
from callmon.store.database import Database
from callmon.store.sign_off import SignedRevision, SignOffError


def prepare(
    store: Database, files: Sequence[tuple[Path, bytes]], deed: AuditEvent, has_remarks: bool = False
) -> SignedRevision:
    """Signs the files as prepared by `deed.who`, and keeps them. Raises SignOffError, StoreError.

    Refuses a provisional report, and one in which nothing changed. `has_remarks`: these may have changed; the JSON
    does not have them.
    """
    path, data = next((path, data) for path, data in files if path.suffix == ".json")
    new = parse_report(data, path.name)
    month, number = new.period.month, new.state.revision
    if not new.state.final:
        raise SignOffError("not_final")
    before = last_signed(store, month)
    if before is not None and not has_remarks and _is_same(before[0], new):
        known = sign_off.revisions(store, month)[-1]
        raise SignOffError("unchanged", known, known.signatures[0])
    return sign_off.keep_prepared(store, month, number, [(path.name, data) for path, data in files], deed)


def last_signed(store: Database, month: str) -> tuple[Published, str] | None:
    """The JSON of the latest revision that was prepared, and its file's name."""
    known = sign_off.revisions(store, month)
    if not known:
        return None
    name = next(x for x in known[-1].digests if x.endswith(".json"))
    return parse_report(sign_off.read_signed(store, known[-1], name), name), name


def _is_same(before: Published, new: Published) -> bool:
    """Whether `new` is the revision after `before`, and differs from it in nothing else."""
    state, other = before.state, new.state
    is_next = other.revision == state.revision + 1 and not new.changes
    same = (state.config_fingerprint, state.data_fingerprint, before.callmon)
    return is_next and same == (other.config_fingerprint, other.data_fingerprint, new.callmon)
