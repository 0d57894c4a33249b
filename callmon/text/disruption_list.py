"""The list of disruptions and planned work for the agent on call, on a terminal of 80 columns. Pure.

A disruption with an incomplete notice has a sign, and the list states in words what is missing. The promise
requires the reason, the expected length and the alternative in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from callmon.core.disruptions.disruption import Disruption
from callmon.text.records import instant
from callmon.text.terminal import TerminalPage

INDENT = "    "
SILENT, NONE = "■", " "  # shown beside the words, so that nothing depends on colour
Met = Mapping[str, int]  # disruption id → number of affected calls


class DisruptionList(TerminalPage):
    """The list at one time in one language."""

    def text(self, found: Iterable[Disruption], met: Met) -> str:
        """The whole list."""
        parts: dict[str, list[Disruption]] = {}
        for one in found:
            parts.setdefault(one.state(self._now), []).append(one)
        day, time = self._speech.day(self._now), self._speech.minute(self._now)
        lines = self._set(self._say("{day}, {time}", day=day, time=time))
        going_on = parts.get("going_on", [])
        lines += self._part(self._say("Perturbations en cours : {number}", number=len(going_on)), going_on, met)
        if planned := parts.get("planned"):
            lines += self._part(self._say("Travaux planifiés : {number}", number=len(planned)), planned, met)
        if over := [*parts.get("over", ()), *parts.get("cancelled", ())]:
            lines += self._part(self._say("Terminées : {number}", number=len(over)), over, met)
        return "\n".join(lines)

    def one(self, one: Disruption) -> str:
        """One disruption, after a command changed it."""
        return "\n".join(self._entry(one, None))

    def _part(self, title: str, found: Sequence[Disruption], met: Met) -> Iterator[str]:
        yield ""
        yield from self._set(title)
        for one in found:
            yield ""
            yield from self._entry(one, met.get(one.id))

    def _entry(self, one: Disruption, met: int | None) -> Iterator[str]:
        lacks = one.counts and bool(one.notice.missing())
        yield from self._set(self.title(one), f"  {SILENT if lacks else NONE} ", INDENT)
        yield from self._set(self.lines(one), INDENT)
        for line in self.notice(one):
            yield from self._set(line, INDENT)
        if met is not None and one.counts:
            yield from self._set(self._say("Appels touchés : {number}", number=met), INDENT)
        yield from self._set(self._say("Perturbation {id}", id=one.id), INDENT)

    def title(self, one: Disruption) -> str:
        what = self._speech.capital(self._speech.word("disruption", one.shown_source))
        if one.how == "cancelled":
            return self._say("{what}, annulés", what=what)
        began = self._when(one.began)
        if one.ended is not None:
            ended, length = self._when(one.ended), self._length(one.ended - one.began)
            how = self._speech.word("disruption_end", one.how or "over")
            return self._say(
                "{what}, de {began} à {ended} ({length}) : {how}", what=what, began=began, ended=ended,
                length=length, how=how,
            )  # fmt: skip
        if self._now < one.began:
            return self._say("{what}, à partir de {began}", what=what, began=began)
        length = self._length(self._now - one.began)
        return self._say("{what}, depuis {began} ({length})", what=what, began=began, length=length)

    def lines(self, one: Disruption) -> str:
        lines, language = self._settings.lines(), self._speech.language
        return " · ".join(lines[name].title(language) if name in lines else name for name in one.lines)

    def notice(self, one: Disruption) -> Iterator[str]:
        say, notice, french = self._say, one.notice, self._speech.language == "fr"
        if (reason := notice.reason_fr if french else notice.reason_en) is not None:
            yield say("Raison : {text}", text=reason)
        if notice.until is not None:
            yield say("Fin prévue : {when}", when=self._when(notice.until))
        if (other := notice.alternative_fr if french else notice.alternative_en) is not None:
            yield say("Services de rechange : {text}", text=other)
        if missing := notice.missing():
            named = ", ".join(self._speech.word("notice", name) for name in missing)
            yield say("AVIS INCOMPLET, il manque : {what}", what=named)
        elif one.noticed_after:
            yield say("Avis donné {length} après le début", length=self._length(one.noticed_after))
        else:
            yield say("Avis donné à l'avance")


def disruption_fields(one: Disruption) -> dict[str, Any]:
    """The JSON fields that do not change by time alone; MQTT publishes these."""
    notice = one.notice
    return {
        "id": one.id,
        "source": one.source,
        "exchange": one.exchange or None,
        "lines": list(one.lines),
        "began": instant(one.began),
        "until": instant(notice.until),
        "ended": instant(one.ended),
        "reason": {"fr": notice.reason_fr, "en": notice.reason_en},
        "alternative": {"fr": notice.alternative_fr, "en": notice.alternative_en},
        "missing": list(notice.missing()),
        "announced": instant(one.announced),
        "confirmed": one.confirmed,
        "work": one.work,
    }


def disruption_as_json(one: Disruption, now: datetime, met: int | None) -> dict[str, Any]:
    """One disruption as JSON values, in its state at `now`."""
    after = one.noticed_after
    return {
        **disruption_fields(one),
        "state": one.state(now),
        "ended_how": one.how,
        "by": one.actor,
        "seconds_to_notice": None if after is None else after.total_seconds(),
        "calls_met": met,
        "at": instant(now),
    }
