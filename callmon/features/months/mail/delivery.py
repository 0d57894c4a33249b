"""Sends a prepared report to the recipients of its edition, each once, and records the result. Blocks.

A mail that is "sent" or "unknown" is never sent again by itself. A person who knows that it did not arrive enters
another copy (`callmon report send --again`).

A final report has one content: after the first recipient, a report with other figures is refused. It needs a
revision. The public edition is sent only when it is final, since the difference of two editions could reveal what
is suppressed.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from callmon.config.mail import MailSettings
from callmon.config.settings import Settings
from callmon.errors import ConfigError, StoreError
from callmon.features.months.formats.json import Published
from callmon.features.months.formats.mail import PreparedReport, composed
from callmon.features.months.mail.smtp import Handover, hand_over
from callmon.features.months.report_mail import (
    NOT_OUT,
    ReportMailing,
    ReportMailRow,
    claim_mail,
    contents_out,
    enter_mail,
    mails_of,
    settle_mail,
)
from callmon.features.months.request import ReportRequest
from callmon.store.database import Database
from callmon.store.sign_off import altered_revisions
from callmon.text.labels import label


def mail_request(
    settings: Settings, month: str, edition: str, now: datetime, earlier: tuple[Published, str] | None = None
) -> ReportRequest:
    """The request for the notice and the attachments of an edition."""
    return ReportRequest(
        month, "mail", is_public=edition == "public", attached=settings.mail.attach, at=now, earlier=earlier
    )


def addresses(settings: MailSettings, edition: str) -> dict[str, str]:
    """The recipients of an edition as configured, by the spelling that identifies them in the database."""
    return {address.casefold(): address for address in settings.recipients(edition)}


def of_mailing(store: Database, mailing: ReportMailing) -> dict[str, ReportMailRow]:
    """The last copy for each recipient."""
    return {x.recipient: x for x in mails_of(store, [mailing.month]) if x.mailing == mailing}


def deliver(
    store: Database,
    settings: MailSettings,
    report: PreparedReport,
    now: datetime,
    recipients: Mapping[str, str],
    is_due: Callable[[ReportMailRow], bool] = lambda mail: mail.state in NOT_OUT,
    may_send: Callable[[], bool] = lambda: True,
) -> list[ReportMailRow]:
    """Sends the report to the `recipients` (as `addresses` returns them) whose mail is due. Returns their mails.

    Raises StoreError where a signed revision of the month was altered: the process that makes files has no keys.
    `may_send` is asked right before each message is handed over: whether this callmon still leads.
    """
    mailing = report.notice.mailing
    if altered := altered_revisions(store, mailing.month):
        raise StoreError(*altered)
    for recipient in recipients:
        enter_mail(store, mailing, recipient, now, report.notice.fingerprint)
    for recipient, mail in of_mailing(store, mailing).items():
        if recipient in recipients and is_due(mail) and may_send():
            _send(store, settings, report, recipients[recipient], mail, now, may_send)
    return [mail for recipient, mail in of_mailing(store, mailing).items() if recipient in recipients]


def _send(
    store: Database,
    settings: MailSettings,
    report: PreparedReport,
    address: str,
    mail: ReportMailRow,
    now: datetime,
    may_send: Callable[[], bool],
) -> None:
    is_claimed, content = False, report.notice.fingerprint

    def claim() -> bool:
        nonlocal is_claimed
        is_claimed = may_send() and claim_mail(store, mail, now, content)
        return is_claimed

    if report.notice.is_final and contents_out(store, mail.mailing) - {content}:
        settle_mail(store, mail, "failed", now, "changed")
        return
    message = composed(report, str(settings.sender), address, mail, now)
    try:
        result = hand_over(settings, address, message, claim)
    except ConfigError as error:
        result = Handover("waiting", "password", str(error))
    if result.reason != "taken":
        settle_mail(store, mail, result.state, now, result.reason, result.detail, is_claimed)


def why(settings: MailSettings, recipient: str, result: Handover | ReportMailRow, language: str) -> str:
    """Why a mail is not sent, or not known to be, and who can act; "" for a mail that is sent."""
    if not result.reason:
        return ""
    server = f"{settings.host}:{settings.port}"
    sentence = label("mail_reason", result.reason, language)
    return sentence.format(server=server, recipient=recipient, sender=settings.sender, detail=result.detail)


def supersede(store: Database, mails: Iterable[ReportMailRow], final: ReportMailing, now: datetime) -> None:
    """Gives up provisional mails of the month that never left: the final report takes their place."""
    provisional = final._replace(stage="provisional")
    for mail in mails:
        if mail.mailing == provisional and mail.state == "waiting":
            settle_mail(store, mail, "failed", now, "superseded")
