"""The sign-off of a month's report: one revision with its signatures and files, and the acts that sign a step.

The bytes that are signed are those of the finished report (`prepare_files`), or those that are kept since then.
"""

from datetime import UTC, datetime
from mimetypes import guess_type
from pathlib import Path

from starlette.responses import Response

from callmon.features.months import page as months
from callmon.features.months.sign_off_text import SignOffFormatter
from callmon.features.months.signed import prepare
from callmon.store import sign_off
from callmon.store.access import AuditRow
from callmon.store.sign_off import SignedRevision, SignOffError
from callmon.web.page_request import NotFoundError, PageRequest


async def show(visit: PageRequest, refused: str = "") -> Response:
    """One revision; `refused`: why the step cannot be signed."""
    found, speech = await _revision(visit), _speech(visit)
    own = "" if found.next_step is None else _refusal(visit, found)
    return await visit.page(
        "revision.html",
        visit.say("Révision {number}, {month}", number=found.number, month=months.month_title(visit)),
        status=409 if refused else 200,
        revision=found,
        refused=refused,
        own=own,
        speech=speech,
    )


def _speech(visit: PageRequest) -> SignOffFormatter:
    return SignOffFormatter(visit.language, visit.site.settings.timezone)


def _refusal(visit: PageRequest, revision: SignedRevision) -> str:
    """Why this person may not sign the next step; "" if they may."""
    assert revision.next_step is not None
    try:
        sign_off.refuse_signature(revision, revision.next_step, visit.person.name)
    except SignOffError as error:
        return _speech(visit).refusal(error)
    return ""


async def _revision(visit: PageRequest) -> SignedRevision:
    """The revision of the address. Raises NotFoundError."""
    parts = visit.request.path_params
    found = await visit.site.ask(sign_off.revisions, visit.site.reader, parts["month"])
    revision = next((x for x in found if str(x.number) == parts["revision"]), None)
    if revision is None:
        raise NotFoundError(visit.say("Révision inconnue"), _speech(visit).refusal(SignOffError("not_kept")))
    return revision


async def download_signed(visit: PageRequest) -> Response:
    """A signed file, bit for bit."""
    revision, name = await _revision(visit), visit.request.path_params["file"]
    if name not in revision.digests:
        raise NotFoundError(
            visit.say("Fichier inconnu"), visit.say("Cette révision n'a pas de fichier de ce nom.")
        )
    data = await visit.site.ask(sign_off.read_signed, visit.site.reader, revision, name)
    kind = guess_type(name)[0] or "application/octet-stream"
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# Acts.


async def prepare_files(visit: PageRequest) -> Response:
    """Signs the files of a finished report as prepared."""
    process = months.report_process(visit)
    if not (process.order.to_sign and process.files):
        return await months.progress(visit)
    files = [(Path(name), data) for name, data in process.files]
    try:
        found = await visit.site.ask(prepare, visit.site.store, files, _deed(visit))
    except SignOffError as error:
        return await months.progress(visit, _speech(visit).refusal(error))
    return visit.go("revision", month=found.month, revision=str(found.number))


async def sign_step(visit: PageRequest) -> Response:
    """Signs the step of the form, of the revision of the address."""
    found, step = await _revision(visit), (await visit.form()).get("step", "")
    chosen = next((x for x in sign_off.STEPS if x == step), None)
    if chosen is None:
        return await show(visit)
    try:
        store, deed = visit.site.store, _deed(visit)
        await visit.site.ask(sign_off.sign, store, found.month, found.number, chosen, deed)
    except SignOffError as error:
        return await show(visit, _speech(visit).refusal(error))
    return visit.go("revision", month=found.month, revision=str(found.number))


def _deed(visit: PageRequest) -> AuditRow:
    """Who signs, now, and from where; the step names the act."""
    return AuditRow(
        at=datetime.now(UTC), who=visit.person.name, act="", address=visit.request.state.asking.address
    )
