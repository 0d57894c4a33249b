"""`callmon report send MONTH`: mails a month's report now, to the recipients of [mail], each once.

The daemon mails last month's reports by itself. This command is for a person: for another month, for a revision,
after a refusal, and for a mail of which it is not known whether it arrived.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from callmon.cli.common import ContextWithKeys, by_option, lang_option, with_context
from callmon.cli.completion import MONTHS
from callmon.cli.help import HelpCommand
from callmon.cli.progress import fraction_bar
from callmon.config.mail import EDITIONS
from callmon.core.statistics import period
from callmon.errors import CallmonError, ConfigError
from callmon.features.months import request
from callmon.features.months.formats.json import Published, parse_report
from callmon.features.months.formats.mail import PreparedReport, prepared
from callmon.features.months.mail.delivery import addresses, deliver, mail_request, of_mailing, why
from callmon.features.months.report_mail import (
    NOT_OUT,
    ReportMailRow,
    contents_out,
    enter_copy,
    mails_of,
    record_received,
)
from callmon.store.access import AuditRow, insert_event
from callmon.store.database import database_errors
from callmon.text.labels import label

IN_FLIGHT = timedelta(minutes=15)  # longer than any conversation with the server
STEPS = 1000  # of the progress bar


class SendContext(ContextWithKeys):
    """The context of one sending: the month, and the recipients that `to` leaves."""

    def __init__(self, config: Path | None, lang: str | None, to: tuple[str, ...], by: str | None) -> None:
        super().__init__(config, lang, by)
        self.to = {address.casefold() for address in to}

    def refuse_incomplete(self) -> None:
        """Raises ConfigError without a mail server, or for an address that receives nothing."""
        mail = self.settings.mail
        if mail.host is None:
            raise ConfigError("{path}: no mail server is configured; add a table [mail].", path=self.path)
        known = {address for edition in EDITIONS for address in addresses(mail, edition)}
        if strange := sorted(self.to - known):
            raise ConfigError(
                "--to {address}: not among the recipients in [mail]; add it there.", address=strange[0]
            )

    def decide(self, mails: list[ReportMailRow], act: str, fingerprint: str = "") -> None:
        """Stores a person's decision about these mails, and an entry of the audit log for each."""
        who = self.actor
        with database_errors(self.store), self.store.writing() as connection:
            for mail in mails:
                if act == "report received":
                    record_received(connection, mail, self.now)
                else:
                    enter_copy(connection, mail, self.now, fingerprint)
                about = f"{mail.mailing.month} {mail.mailing.edition} {mail.mailing.stage} {mail.recipient}"
                insert_event(connection, AuditRow(at=self.now, who=who, act=act, about=about))

    def print_mail(self, mail: ReportMailRow) -> None:
        """What became of a mail, and why."""
        of, say = mail.mailing, self.say
        click.echo(
            say(
                "{recipient}, {month}, {edition}, {stage}: {state} on {at}",
                recipient=mail.recipient,
                month=of.month,
                edition=label("mail_edition", of.edition, self.language),
                stage=label("mail_stage", of.stage, self.language),
                state=label("mail_state", mail.state, self.language),
                at=self.local(mail.changed),
            )
        )
        if text := why(self.settings.mail, mail.recipient, mail, self.language):
            click.echo(f"  {text}", err=True)
        elif mail.state == "unknown":
            click.echo(
                "  "
                + say(
                    "callmon does not know whether it arrived: it is being sent now, or callmon was cut "
                    "off. Ask {recipient}, then add --again or --received.",
                    recipient=mail.recipient,
                ),
                err=True,
            )


@click.command(cls=HelpCommand)
@click.argument("month", shell_complete=MONTHS)
@with_context(SendContext)
@lang_option
@click.option("--to", multiple=True, metavar="ADDRESS", help="only to this recipient of [mail]")
@click.option("--again", is_flag=True, help="one more copy to those who were sent one, or perhaps were")
@click.option("--received", is_flag=True, help="send nothing: record that the recipient has the mail")
@click.option(
    "--revises",
    type=click.Path(path_type=Path),
    help="JSON of an earlier report of this month; send the revision that follows it",
)
@by_option
def send(context: SendContext, month: str, again: bool, received: bool, revises: Path | None) -> None:
    """Mail the report of MONTH (2026-10, or "last") to the recipients in [mail], each edition once.

    \b
    Examples: callmon report send last
              callmon report send 2026-10 --to lead@ministry.example --again
    """
    context.refuse_incomplete()
    month = period.last(context.today) if month == "last" else month
    if period.month(month, context.settings.timezone).end > context.now:
        raise ConfigError("{month} is not over; its report is sent when it is.", month=month)
    if again and received:
        raise ConfigError("--again and --received exclude each other; give one of them.")
    done = list(_received(context, month) if received else _sent(context, month, again, revises))
    for mail in done:
        context.print_mail(mail)
    if any(mail.state != "sent" for mail in done):
        sys.exit(1)


def _received(context: SendContext, month: str) -> list[ReportMailRow]:
    """Marks the mails whose arrival is not known as sent. Raises CallmonError if there is none."""
    mails = [x for x in mails_of(context.store, [month]) if x.state == "unknown"]
    mails = [x for x in mails if not context.to or x.recipient in context.to]
    if not mails:
        raise CallmonError("No mail about {month} is uncertain.", month=month)
    context.decide(mails, "report received")
    changed = {(x.mailing, x.recipient) for x in mails}
    return [x for x in mails_of(context.store, [month]) if (x.mailing, x.recipient) in changed]


def _sent(context: SendContext, month: str, again: bool, revises: Path | None) -> Iterator[ReportMailRow]:
    earlier = None if revises is None else (parse_report(revises.read_bytes(), str(revises)), str(revises))
    for edition in EDITIONS:
        known = addresses(context.settings.mail, edition)
        known = {key: address for key, address in known.items() if not context.to or key in context.to}
        if not known:
            continue
        if earlier is not None and earlier[0].state.public != (edition == "public"):
            continue
        report = _prepared(context, month, edition, earlier)
        if edition == "public" and not report.notice.is_final:
            waits = context.say("{month}: the public edition is sent when it is final.", month=month)
            click.echo(waits, err=True)
            continue
        yield from _delivered(context, report, known, again)


def _prepared(
    context: SendContext, month: str, edition: str, earlier: tuple[Published, str] | None
) -> PreparedReport:
    report_request = mail_request(context.settings, month, edition, context.now, earlier)
    progress = fraction_bar("Reading", STEPS)
    return prepared(request.filed(context.store, context.settings, report_request, context.now, progress))


def _delivered(
    context: SendContext, report: PreparedReport, known: dict[str, str], again: bool
) -> list[ReportMailRow]:
    if again:
        _enter_copies(context, report, known)
    return deliver(context.store, context.settings.mail, report, context.now, known)


def _enter_copies(context: SendContext, report: PreparedReport, known: dict[str, str]) -> None:
    """Enters one more copy for those who were sent one. Raises CallmonError if one may be on its way now."""
    mailing, content = report.notice.mailing, report.notice.fingerprint
    if report.notice.is_final and contents_out(context.store, mailing) - {content}:
        raise CallmonError(label("mail_reason", "changed", context.language))
    before = [mail for key, mail in of_mailing(context.store, mailing).items() if key in known]
    for mail in before:
        if mail.state == "unknown" and context.now - mail.changed < IN_FLIGHT:
            in_flight = context.say(
                "{recipient}: a mail may be on its way now. Wait fifteen minutes.", recipient=mail.recipient
            )
            raise CallmonError(in_flight)
    context.decide([mail for mail in before if mail.state not in NOT_OUT], "report mailed again", content)
