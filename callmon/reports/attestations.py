"""The attestations of each line as text: what no exchange can observe and a person tested. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from callmon.core.attestations import AttestationStatus
from callmon.reports.formatter import ReportFormatter
from callmon.reports.notes import DefinitionNote

SUBJECT = {
    "person": "un accès à une personne dans chaque menu et message d'accueil",
    "greetings": "menus et messages d'accueil en français et en anglais",
}


def told(
    stands: Iterable[AttestationStatus], titles: Mapping[str, str], tongue: ReportFormatter
) -> Iterator[DefinitionNote]:
    """One row for each line and subject."""
    for one in stands:
        subject = tongue.say(SUBJECT[one.subject])
        yield DefinitionNote(f"{titles.get(one.line, one.line)}, {subject}", _found(one, tongue))


def _found(one: AttestationStatus, tongue: ReportFormatter) -> str:
    last, say = one.last, tongue.say
    if last is None:
        return say("jamais vérifié")
    day = tongue.day(last.tested)
    found = say("vérifié le {day}", day=day) if last.is_so else say("non constaté à l'essai du {day}", day=day)
    by = say(", par {name}", name=last.by) if last.by else ""
    return f"{found}{by}{say(' (il y a plus de trois mois : à refaire)') if one.is_stale else ''}"
