"""The sign-off of a month's report: one revision with its signatures and files, and the acts that sign a step.

The bytes that are signed are those of the finished report (`prepare_files`), or those that are kept since then.
"""

from pathlib import Path

from starlette.responses import Response

from callmon.features.months import page as months
from callmon.features.months.sign_off_text import SignOffFormatter
from callmon.features.months.signed import prepare
from callmon.store import sign_off
from callmon.store.encryption import KeyMissingError
from callmon.store.sign_off import SignatureCheck, SignedRevision, SignOffError
from callmon.web.auth.identity import Right
from callmon.web.page_request import NotFoundError, PageRequest
from callmon.web.routing import entry, form


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
        row=None if found.next_step is None else await months.one_month(page_request),
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
    return page_request.download(name, data)


# The check of a file.


async def verify(page_request: PageRequest, shown: SignatureCheck | None = None, said: str = "") -> Response:
    """The form that takes a file, and what the signatures say of the one before."""
    return await page_request.page(
        "verify.html",
        page_request.say("Verify a file"),
        check=shown,
        said=said,
        speech=_speech(page_request),
    )


async def check(page_request: PageRequest) -> Response:
    """Says whether the file of the form has the bytes that were signed. The file is not kept."""
    given = await page_request.file()
    if given is None:
        return await verify(page_request, said=page_request.say("Choose a file."))
    name, data = given
    try:
        found = await page_request.ask(sign_off.check_file, page_request.context.reader, name, data)
    except KeyMissingError:
        return await verify(page_request, said=page_request.say("Without its key file callmon cannot verify."))
    return await verify(page_request, found, _speech(page_request).checked(name, found))


# Acts.


async def prepare_files(page_request: PageRequest) -> Response:
    """Signs the files of a finished report as prepared."""
    process = months.report_process(page_request)
    if not (process.request.to_sign and process.files):
        return await months.progress(page_request)
    files = [(Path(name), data) for name, data in process.files]
    try:
        found = await page_request.ask(
            prepare,
            page_request.context.store,
            files,
            page_request.audit_event(),
            bool(process.request.remarks),
        )
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
        store, audit_event = page_request.context.store, page_request.audit_event()
        await page_request.ask(sign_off.sign, store, found.month, found.number, chosen, audit_event)
    except SignOffError as error:
        return await show(page_request, _speech(page_request).refusal(error))
    return page_request.go("revision", month=found.month, revision=str(found.number))


_PAGE = "{month}/{name}"
_REVISION = "{month}/revisions/{revision}"
_FILE = "{month}/revisions/{revision}/{file}"
_SIGNED = "report signature"
# These stand before `months/page.py`, whose paths would take theirs for a month and a file.
PAGES = (
    entry("verify", "/mois/verifier", "/months/verify", verify, Right.REPORT),
    form("check", "/mois/verifier", "/months/verify", check, Right.REPORT, takes_file=True, twin="verify"),
    form("prepare", f"/mois/{_PAGE}", f"/months/{_PAGE}", prepare_files, Right.REPORT, _SIGNED, twin="report"),
    entry("revision", f"/mois/{_REVISION}", f"/months/{_REVISION}", show, Right.REPORT),
    form("sign", f"/mois/{_REVISION}", f"/months/{_REVISION}", sign_step, Right.REPORT, _SIGNED, twin="revision"),
    entry(
        "signed file",
        f"/mois/{_FILE}",
        f"/months/{_FILE}",
        download_signed,
        Right.REPORT,
        "report file",
        twin="revision",
    ),
)
