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


async def show(page_request: PageRequest, refused: str = "") -> Response:
    """One revision; `refused`: why the step cannot be signed."""
    found, speech = await _revision(page_request), _speech(page_request)
    own = "" if found.next_step is None else _refusal(page_request, found)
    return await page_request.page(
        "revision.html",
        page_request.say(
            "Revision {number}, {month}", number=found.number, month=months.month_title(page_request)
        ),
        status=409 if refused else 200,
        revision=found,
        refused=refused,
        own=own,
        speech=speech,
    )


def _speech(page_request: PageRequest) -> SignOffFormatter:
    return SignOffFormatter(page_request.language, page_request.settings.timezone)


def _refusal(page_request: PageRequest, revision: SignedRevision) -> str:
    """Why this person may not sign the next step; "" if they may."""
    assert revision.next_step is not None
    try:
        sign_off.refuse_signature(revision, revision.next_step, page_request.person.name)
    except SignOffError as error:
        return _speech(page_request).refusal(error)
    return ""


async def _revision(page_request: PageRequest) -> SignedRevision:
    """The revision of the address. Raises NotFoundError."""
    parts = page_request.request.path_params
    found = await page_request.ask(sign_off.revisions, page_request.context.reader, parts["month"])
    revision = next((x for x in found if str(x.number) == parts["revision"]), None)
    if revision is None:
        raise NotFoundError(
            page_request.say("Unknown revision"), _speech(page_request).refusal(SignOffError("not_kept"))
        )
    return revision


async def download_signed(page_request: PageRequest) -> Response:
    """A signed file, bit for bit."""
    revision, name = await _revision(page_request), page_request.request.path_params["file"]
    if name not in revision.digests:
        raise NotFoundError(
            page_request.say("Unknown file"), page_request.say("This revision has no file of this name.")
        )
    data = await page_request.ask(sign_off.read_signed, page_request.context.reader, revision, name)
    kind = guess_type(name)[0] or "application/octet-stream"
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# Acts.


async def prepare_files(page_request: PageRequest) -> Response:
    """Signs the files of a finished report as prepared."""
    process = months.report_process(page_request)
    if not (process.report_request.to_sign and process.files):
        return await months.progress(page_request)
    files = [(Path(name), data) for name, data in process.files]
    try:
        found = await page_request.ask(prepare, page_request.context.store, files, _audit_event(page_request))
    except SignOffError as error:
        return await months.progress(page_request, _speech(page_request).refusal(error))
    return page_request.go("revision", month=found.month, revision=str(found.number))


async def sign_step(page_request: PageRequest) -> Response:
    """Signs the step of the form, of the revision of the address."""
    found, step = await _revision(page_request), (await page_request.form()).get("step", "")
    chosen = next((x for x in sign_off.STEPS if x == step), None)
    if chosen is None:
        return await show(page_request)
    try:
        store, audit_event = page_request.context.store, _audit_event(page_request)
        await page_request.ask(sign_off.sign, store, found.month, found.number, chosen, audit_event)
    except SignOffError as error:
        return await show(page_request, _speech(page_request).refusal(error))
    return page_request.go("revision", month=found.month, revision=str(found.number))


def _audit_event(page_request: PageRequest) -> AuditRow:
    """Who signs, now, and from where; the step names the act."""
    return AuditRow(
        at=datetime.now(UTC),
        who=page_request.person.name,
        act="",
        address=page_request.request.state.asking.address,
    )
