"""The list of callbacks and complaints for the agent on call, on a terminal of 80 columns. Pure.

Sorted by urgency: the last time at which a person can act. Cautions precede the number. Callbacks that cannot be
returned are in a separate part.

Refuses: to show a number that was not requested from the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from callmon.config.phone_numbers import printed
from callmon.core.callbacks.obligation import Obligation
from callmon.text.records import instant
from callmon.text.terminal import WIDTH as WIDTH
from callmon.text.terminal import TerminalPage

if TYPE_CHECKING:
    from callmon.store.queries.obligations import WorklistItem

INDENT = "    "
LATE, SOON, NONE = "■", "▲", " "  # shown beside the words, so that nothing depends on colour


def urgency(one: Obligation) -> tuple[datetime, datetime]:
    """The sort key of the list."""
    return (one.due.actionable or one.due.at, one.opened)


class CallbackList(TerminalPage):
    """The list at one time in one language."""

    def text(self, listed: Iterable[WorklistItem]) -> str:
        """The whole list."""
        found = sorted(listed, key=lambda one: urgency(one.obligation))
        done = [x for x in found if not x.obligation.is_open]
        to_do = [x for x in found if x.obligation.is_open]
        calls = [x for x in to_do if x.obligation.kind == "callback" and x.obligation.can_be_called]
        hidden = [x for x in to_do if x.obligation.kind == "callback" and not x.obligation.can_be_called]
        complaints = [x for x in to_do if x.obligation.kind == "complaint"]
        lines = [*self._head(), *self._part(self._say("Rappels à faire : {number}", number=len(calls)), calls)]
        if complaints:
            lines += self._part(self._say("Plaintes à traiter : {number}", number=len(complaints)), complaints)
        if hidden:
            title = self._say("Rappel impossible, message à écouter : {number}", number=len(hidden))
            lines += self._part(title, hidden)
        if done:
            lines += self._part(self._say("Fiches fermées : {number}", number=len(done)), done)
        return "\n".join(lines)

    def one(self, listed: WorklistItem) -> str:
        """One entry, after a command changed it."""
        return "\n".join(self._entry(listed))

    def _head(self) -> Iterator[str]:
        yield from self._set(self._say("{day}, {time}", day=self._day(self._now), time=self._time(self._now)))
        calendar = self._settings.calendar()
        opens = None if calendar.is_open(self._now) else calendar.opens_next(self._now)
        if opens is not None:
            yield from self._set(
                self._say("Fermé : n'appelez pas le public avant {when}.", when=self._when(opens))
            )

    def _part(self, title: str, listed: Sequence[WorklistItem]) -> Iterator[str]:
        yield ""
        yield from self._set(title)
        for one in listed:
            yield ""
            yield from self._entry(one)

    def _entry(self, listed: WorklistItem) -> Iterator[str]:
        one = listed.obligation
        sign = LATE if one.is_overdue else SOON if one.is_soon else NONE
        yield from self._set(self.time_left(one), f"  {sign} ", INDENT)
        yield from self._set(self.where(one), INDENT)
        for caution in one.cautions:
            word = self._speech.capital(self._speech.word("caution", caution))
            yield from self._set(f"!! {word} !!", INDENT)
        yield from self._set(self.number(listed), INDENT)
        if one.in_hand is not None and one.taken is not None:
            told = self._say("Prise en charge par {who}, {when}", who=one.in_hand, when=self._when(one.taken))
            yield from self._set(told, INDENT)
        yield from self._set(self.history(one), INDENT)
        yield from self._set(self._say("Fiche {id}", id=one.id), INDENT)

    def time_left(self, one: Obligation) -> str:
        say = self._say
        if not one.is_open:
            state = self._speech.capital(self._speech.word("owed", one.state))
            return say("{state}, {when}", state=state, when=self._when(one.settled or one.opened))
        until = one.due.actionable
        if one.kind == "callback" and not one.can_be_called:
            return say("Reçu {when}", when=self._when(one.opened))
        if until is None:
            when = self._when(one.due.at)
            return say("Aucune heure d'ouverture avant l'échéance ({when}) : à faire dès l'ouverture", when=when)
        if until < self._now and one.attempts and not one.is_overdue:
            return say("Tentative faite à temps : la personne reste à joindre")
        if until < self._now:
            late = self._length(self._now - until)
            return say("EN RETARD de {late} : était à faire avant {when}", late=late, when=self._when(until))
        left = self._length(until - self._now)
        return say("Il reste {left} : à faire avant {when}", left=left, when=self._when(until))

    def where(self, one: Obligation) -> str:
        lines = self._settings.lines()
        title = lines[one.line].title(self._speech.language) if one.line in lines else one.line
        if one.language == "unknown":
            return title
        asked = self._speech.word("language", one.language)
        return self._say("{title} · demande en {language}", title=title, language=asked)

    def number(self, listed: WorklistItem) -> str:
        one, language = listed.obligation, self._speech.language
        if one.is_erased:
            return self._say("Numéro détruit à la fin de sa conservation")
        if listed.other is not None:
            return self._say("{number} (numéro à appeler, donné à part)", number=printed(listed.other, language))
        if one.hidden is not None:
            return self._speech.capital(self._speech.word("not_returnable", one.hidden))
        if listed.number is None:
            return self._say("Numéro non conservé")
        number = printed(listed.number, language)
        if one.tty:
            return self._say("{number} (téléimprimeur)", number=number)
        return (
            self._say("{number} (numéro partagé : à consigner à la main)", number=number) if one.shared else number
        )

    def history(self, one: Obligation) -> str:
        first = self._when(one.opened)
        parts = [self._speech.capital(self._speech.word("opening", one.opening)) + f", {first}"]
        if one.count > 1:
            parts.append(self._say("{count} messages", count=one.count))
        if one.attempts:
            last = self._when(one.attempts[-1])
            parts.append(self._say("tentatives : {count}, la dernière {when}", count=len(one.attempts), when=last))
        if one.acknowledged is not None:
            parts.append(self._say("accueillie {when}", when=self._when(one.acknowledged)))
        return " · ".join(parts)


def owed_as_json(listed: WorklistItem) -> dict[str, Any]:
    """One entry as JSON values."""
    one = listed.obligation
    state = (
        one.state if not one.is_open else "overdue" if one.is_overdue else "due_soon" if one.is_soon else "open"
    )
    return {
        "id": one.id,
        "exchange": one.exchange,
        "call": one.call,
        "kind": one.kind,
        "opening": one.opening,
        "line": one.line,
        "service": one.service,
        "language": one.language,
        "state": state,
        "opened": instant(one.opened),
        "due": instant(one.due.at),
        "due_by_clock": instant(one.dues.clock),
        "due_by_business_day": instant(one.dues.business),
        "actionable": instant(one.due.actionable),
        "no_open_hour": one.no_open_hour,
        "messages": one.count,
        "attempts": [instant(at) for at in one.attempts],
        "acknowledged": instant(one.acknowledged),
        "settled": instant(one.settled),
        "closed_because": one.reason,
        "in_hand": None if one.in_hand is None else {"by": one.in_hand, "since": instant(one.taken)},
        "message_left": one.message_left,
        "cautions": list(one.cautions),
        "not_returnable": one.hidden,
        "shared": one.shared,
        "tty": one.tty,
        "number": listed.number,
        "other_number": listed.other,
    }
