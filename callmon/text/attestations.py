"""The results of a person's tests of the lines, as the monthly report and `callmon attest` state them. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from callmon.core.attestations import AttestationStatus, Subject
from callmon.text.formatter import Definition, Formatter


class AttestationFormatter(Formatter):
    """Its texts have the context of those of a report."""

    context = "report"


def attestation_notes(
    attested: Iterable[AttestationStatus], titles: Mapping[str, str], formatter: Formatter
) -> Iterator[Definition]:
    """One row for each line and subject: what no exchange can observe and a person tested."""
    for status in attested:
        subject = _subject(status.subject, formatter)
        yield Definition(f"{titles.get(status.line, status.line)}, {subject}", _test_result(status, formatter))


def _test_result(status: AttestationStatus, formatter: Formatter) -> str:
    last, say = status.last, formatter.say
    if last is None:
        return say("never tested")
    day = formatter.day(last.tested)
    result = say("found so on {day}", day=day) if last.is_so else say("not found so in the test of {day}", day=day)
    by = say(", by {name}", name=last.by) if last.by else ""
    return f"{result}{by}{say(' (more than three months ago: test again)') if status.is_stale else ''}"


def _subject(subject: Subject, formatter: Formatter) -> str:
    if subject == "person":
        return formatter.say("a way to a person in every menu and greeting")
    return formatter.say("menus and greetings in French and English")
