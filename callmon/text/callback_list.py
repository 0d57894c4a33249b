"""The list of callbacks and complaints for the agent on call, on a terminal of 80 columns. Pure.

Sorted by urgency: the last time at which a person can act. Cautions precede the number. Callbacks that cannot be
returned are in a separate part.

Refuses: to show a number that was not requested from the store.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from callmon.config.phone_numbers import printed
from callmon.core.callbacks.obligation import Obligation
from callmon.store.queries.obligations import WorklistItem
from callmon.text.records import instant
from callmon.text.terminal import INDENT, TerminalPage

LATE, SOON, NONE = "■", "▲", " "  # shown beside the words, so that nothing depends on colour


def urgency(obligation: Obligation) -> tuple[datetime, datetime]:
    """The sort key of the list."""
    return (obligation.due.actionable or obligation.due.at, obligation.opened)


class CallbackList(TerminalPage):
    """The list at one time in one language."""

    def text(self, listed: Iterable[WorklistItem]) -> str:
        """The whole list."""
        parts: dict[str, list[WorklistItem]] = {"callback": []}
        for found in sorted(listed, key=lambda x: urgency(x.obligation)):
            parts.setdefault(_part_of(found.obligation), []).append(found)
        lines = [*self._set(self._head()), *self._closed_until()]
        for part in ("callback", "complaint", "hidden", "closed"):
            if part in parts:
                title = self._part_title(part, len(parts[part]))
                lines += self._part(title, map(self.entry, parts[part]))
        return "\n".join(lines)

    def _part_title(self, part: str, number: int) -> str:
        match part:
            case "callback":
                return self._say("Rappels à faire : {number}", number=number)
            case "complaint":
                return self._say("Plaintes à traiter : {number}", number=number)
            case "hidden":
                return self._say("Rappel impossible, message à écouter : {number}", number=number)
        return self._say("Fiches fermées : {number}", number=number)

    def _closed_until(self) -> Iterator[str]:
        calendar = self.settings.calendar()
        opens = None if calendar.is_open(self.now) else calendar.opens_next(self.now)
        if opens is not None:
            yield from self._set(self._say("Fermé : n'appelez pas le public avant {when}.", when=self.when(opens)))

    def entry(self, listed: WorklistItem) -> Iterator[str]:
        """The lines of one entry."""
        owed = listed.obligation
        sign = LATE if owed.is_overdue else SOON if owed.is_soon else NONE
        yield from self._set(self.time_left(owed), f"  {sign} ", INDENT)
        yield from self._set(self.where(owed), INDENT)
        for caution in owed.cautions:
            yield from self._set(f"!! {self.capital(self.word('caution', caution))} !!", INDENT)
        yield from self._set(self.printed_number(listed), INDENT)
        if owed.in_hand is not None and owed.taken is not None:
            taken = self._say("Prise en charge par {who}, {when}", who=owed.in_hand, when=self.when(owed.taken))
            yield from self._set(taken, INDENT)
        yield from self._set(self.history(owed), INDENT)
        yield from self._set(self._say("Fiche {id}", id=owed.id), INDENT)

    def time_left(self, owed: Obligation) -> str:
        say, until = self._say, owed.due.actionable
        if not owed.is_open:
            state = self.capital(self.word("owed", owed.state))
            return say("{state}, {when}", state=state, when=self.when(owed.settled or owed.opened))
        if owed.kind == "callback" and not owed.can_be_called:
            return say("Reçu {when}", when=self.when(owed.opened))
        if until is None:
            when = self.when(owed.due.at)
            return say("Aucune heure d'ouverture avant l'échéance ({when}) : à faire dès l'ouverture", when=when)
        if until < self.now and owed.attempts and not owed.is_overdue:
            return say("Tentative faite à temps : la personne reste à joindre")
        if until < self.now:
            late = self.duration(self.now - until)
            return say("EN RETARD de {late} : était à faire avant {when}", late=late, when=self.when(until))
        left = self.duration(until - self.now)
        return say("Il reste {left} : à faire avant {when}", left=left, when=self.when(until))

    def where(self, owed: Obligation) -> str:
        title = self.line_title(owed.line)
        if owed.language == "unknown":
            return title
        language = self.word("language", owed.language)
        return self._say("{title} · demande en {language}", title=title, language=language)

    def printed_number(self, listed: WorklistItem) -> str:
        owed = listed.obligation
        if owed.is_erased:
            return self._say("Numéro détruit à la fin de sa conservation")
        if listed.other is not None:
            number = printed(listed.other, self.language)
            return self._say("{number} (numéro à appeler, donné à part)", number=number)
        if owed.hidden is not None:
            return self.capital(self.word("not_returnable", owed.hidden))
        if listed.number is None:
            return self._say("Numéro non conservé")
        number = printed(listed.number, self.language)
        if owed.tty:
            return self._say("{number} (téléimprimeur)", number=number)
        if owed.shared:
            return self._say("{number} (numéro partagé : à consigner à la main)", number=number)
        return number

    def history(self, owed: Obligation) -> str:
        parts = [f"{self.capital(self.word('opening', owed.opening))}, {self.when(owed.opened)}"]
        if owed.count > 1:
            parts.append(self._say("{count} messages", count=owed.count))
        if owed.attempts:
            last = self.when(owed.attempts[-1])
            parts.append(
                self._say("tentatives : {count}, la dernière {when}", count=len(owed.attempts), when=last)
            )
        if owed.acknowledged is not None:
            parts.append(self._say("accueillie {when}", when=self.when(owed.acknowledged)))
        return " · ".join(parts)


def _part_of(owed: Obligation) -> str:
    if not owed.is_open:
        return "closed"
    return "hidden" if owed.kind == "callback" and not owed.can_be_called else owed.kind


def owed_as_json(listed: WorklistItem) -> dict[str, Any]:
    """One entry as JSON values."""
    entry = listed.obligation
    state = "overdue" if entry.is_overdue else "due_soon" if entry.is_soon else "open"
    return {
        "id": entry.id,
        "exchange": entry.exchange,
        "call": entry.call,
        "kind": entry.kind,
        "opening": entry.opening,
        "line": entry.line,
        "service": entry.service,
        "language": entry.language,
        "state": state if entry.is_open else entry.state,
        "opened": instant(entry.opened),
        "due": instant(entry.due.at),
        "due_by_clock": instant(entry.dues.clock),
        "due_by_business_day": instant(entry.dues.business),
        "actionable": instant(entry.due.actionable),
        "no_open_hour": entry.no_open_hour,
        "messages": entry.count,
        "attempts": [instant(at) for at in entry.attempts],
        "acknowledged": instant(entry.acknowledged),
        "settled": instant(entry.settled),
        "closed_because": entry.reason,
        "in_hand": None if entry.in_hand is None else {"by": entry.in_hand, "since": instant(entry.taken)},
        "message_left": entry.message_left,
        "cautions": list(entry.cautions),
        "not_returnable": entry.hidden,
        "shared": entry.shared,
        "tty": entry.tty,
        "number": listed.number,
        "other_number": listed.other,
    }
