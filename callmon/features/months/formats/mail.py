"""The mail about a report: one message in French and English, as plain text, with the report's files. Pure.

It has the month, its state and completeness, the month in one sentence, and the page's address. It has no
caller's number, because no report has one.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import msgspec

from callmon.config.settings import Settings
from callmon.features.months.formats.html import completeness, state
from callmon.features.months.formats.json import JsonState
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import Report
from callmon.features.months.report_mail import ReportMailing, ReportMailRow
from callmon.features.months.signature import SignatureBuilder
from callmon.store.sign_off import SignedRevision

WIDTH = 72
PAGES = {"fr": "/fr/mois/", "en": "/en/months/"}
RULE = "-" * WIDTH


class ReportNotice(msgspec.Struct, frozen=True):
    """What the mail says, and what identifies its content. `final_after`: when it is worth looking again."""

    month: str
    edition: str
    revision: int
    is_final: bool
    final_after: datetime | None
    fingerprint: str
    subject: str
    text: str

    @property
    def mailing(self) -> ReportMailing:
        return ReportMailing(self.month, self.edition, self.revision, "final" if self.is_final else "provisional")


class ApprovedReport(NamedTuple):
    """The approved revision in force, what its JSON says of it, and its files: the bytes that were signed."""

    revision: SignedRevision
    state: JsonState
    files: Sequence[tuple[str, bytes]]


def notice(
    report: Report,
    settings: Settings,
    fr: ReportFormatter,
    en: ReportFormatter,
    signed: ApprovedReport | None = None,
) -> ReportNotice:
    """The subject and the text, French first. `signed`: the files that people approved, and that are mailed."""
    figures = report if signed is None else signed.state
    number, is_final = (report.revision, report.is_final) if signed is None else (signed.revision.number, True)
    return ReportNotice(
        report.month.name,
        "public" if report.is_public else "internal",
        number,
        is_final,
        None if is_final else report.final_after,
        sha256(f"{figures.data_fingerprint} {figures.config_fingerprint}".encode()).hexdigest()[:16],
        " / ".join(_subject(report, formatter, number, is_final) for formatter in (fr, en)),
        f"{RULE}\n\n".join(_text(report, settings, formatter, number, signed) for formatter in (fr, en)),
    )


def _subject(report: Report, formatter: ReportFormatter, number: int, is_final: bool) -> str:
    say, month = formatter.say, formatter.month(report.month.first)
    subject = say("Telephone service standards, {month}", month=month)
    marks = [say("final") if is_final else say("provisional")]
    marks += [say("public edition")] if report.is_public else []
    marks += [say("revision {number}", number=number)] if number > 1 else []
    return f"{subject} ({', '.join(marks)})"


def _text(
    report: Report, settings: Settings, formatter: ReportFormatter, number: int, signed: ApprovedReport | None
) -> str:
    say, first = formatter.say, formatter.month(report.month.first)
    parts = [say("Monthly report on telephone service standards: {month}.", month=first)]
    if signed is None or signed.state.data_fingerprint == report.data_fingerprint:
        parts += _figures(report, formatter)  # otherwise they are not those that were signed
    if signed is None and not report.is_final:
        parts.append(say("Its figures may still change. The final report will follow."))
    if number > 1:
        parts.append(say("This revision replaces the previous one; the report lists the figures that changed."))
    if signed is not None:
        parts.append(_digests(signed, formatter))
    elif settings.mail.attach:
        parts.append(say("The report is attached to this message."))
    if settings.web.access.url is not None and not report.is_public:
        address = f"{settings.web.access.url.rstrip('/')}{PAGES[formatter.language]}{report.month.name}"
        parts.append(say("The report on callmon's pages, with your account:") + f"\n{address}")
    if contact := settings.configuration.accessible_contact:
        parts.append(say("In another format, on request: {contact}", contact=contact))
    parts.append(say("callmon sends this message automatically. Do not reply to it."))
    return "".join(f"{_wrapped(part)}\n\n" for part in parts)


def _figures(report: Report, formatter: ReportFormatter) -> tuple[str, str]:
    """State and completeness, and the month in one sentence."""
    whole = formatter.meaning("completeness").term
    marks = (
        formatter.labelled(formatter.say("State"), state(report, formatter)),
        formatter.labelled(whole, completeness(report, formatter)),
    )
    return "\n".join(marks), SignatureBuilder(report, formatter).sentences()


def _digests(signed: ApprovedReport, formatter: ReportFormatter) -> str:
    """That the report is approved, and the SHA-256 of each attached file, as `callmon report verify` prints it."""
    say, number = formatter.say, signed.revision.number
    if not signed.files:
        return say("Revision {number} is approved.", number=number)
    text = say("Revision {number} is approved. Its signed files are attached; their SHA-256:", number=number)
    names = dict(signed.files)
    return "\n".join((text, *(f"{name}\n{signed.revision.digests[name]}" for name in names)))


def _wrapped(part: str) -> str:
    """Each line at most WIDTH wide; no break within an address."""
    return "\n".join(
        fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in part.split("\n")
    )


class PreparedReport(NamedTuple):
    """A report that is ready to be sent: its notice, and the name and bytes of each attachment."""

    notice: ReportNotice
    files: list[tuple[str, bytes]]


def prepared(files: Sequence[tuple[Path | str, bytes]]) -> PreparedReport:
    """From the files of a request whose kind is "mail"."""
    (_, first), *others = files
    written = msgspec.json.decode(first, type=ReportNotice)
    return PreparedReport(written, [(Path(name).name, data) for name, data in others])


def composed(report: PreparedReport, sender: str, recipient: str, mail: ReportMailRow, now: datetime) -> bytes:
    """The whole message for one recipient, as it crosses the wire, with a Message-ID that follows from `mail`."""
    from email import policy  # a site without mail does not load these
    from email.headerregistry import Address
    from email.message import EmailMessage

    message = EmailMessage(policy.SMTP)
    message["From"] = Address("callmon", addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = report.notice.subject
    message["Date"] = now
    message["Message-ID"] = message_id(mail, sender)
    message["Auto-Submitted"] = "auto-generated"  # no absence message is sent back (RFC 3834)
    message.set_content(report.notice.text, cte="quoted-printable")
    for name, data in report.files:
        kind = guess_type(name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    message["Content-Language"] = "fr, en"  # here, since `set_content` drops it
    return message.as_bytes()


def message_id(mail: ReportMailRow, sender: str) -> str:
    """The same for the same mailing, recipient and copy: a program that receives it twice can see that."""
    of, domain = mail.mailing, sender.rpartition("@")[2]
    whom = sha256(mail.recipient.encode()).hexdigest()[:16]
    return f"<callmon.{of.month}.{of.edition}.{of.revision}.{of.stage}.{mail.copy_number}.{whom}@{domain}>"
