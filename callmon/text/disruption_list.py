"""The list of disruptions and planned work for the agent on call, on a terminal of 80 columns. Pure.

A disruption with an incomplete notice has a sign, and the list states in words what is missing. The promise
requires the reason, the expected length and the alternative in both languages.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from callmon.core.disruptions.disruption import Disruption
from callmon.text.records import instant
from callmon.text.terminal import INDENT, TerminalPage

SILENT, NONE = "■", " "  # shown beside the words, so that nothing depends on colour


class DisruptionList(TerminalPage):
    """The list at one time in one language."""

    def text(self, found: Iterable[Disruption], met: Mapping[str, int]) -> str:
        """The whole list. `met`: the number of affected calls by disruption id."""
        parts: dict[str, list[Iterator[str]]] = {}
        for one in found:
            parts.setdefault(one.state(self.now), []).append(self.entry(one, met.get(one.id)))
        going_on = parts.get("going_on", [])
        lines = [*self._set(self._head())]
        lines += self._part(self._say("Perturbations en cours : {number}", number=len(going_on)), going_on)
        if planned := parts.get("planned"):
            lines += self._part(self._say("Travaux planifiés : {number}", number=len(planned)), planned)
        if over := [*parts.get("over", ()), *parts.get("cancelled", ())]:
            lines += self._part(self._say("Terminées : {number}", number=len(over)), over)
        return "\n".join(lines)

    def entry(self, one: Disruption, met: int | None = None) -> Iterator[str]:
        """The lines of one disruption."""
        lacks = one.counts and bool(one.notice.missing())
        yield from self._set(self.title(one), f"  {SILENT if lacks else NONE} ", INDENT)
        for line in (self.line_titles(one), *self.notice(one)):
            yield from self._set(line, INDENT)
        if met is not None and one.counts:
            yield from self._set(self._say("Appels touchés : {number}", number=met), INDENT)
        yield from self._set(self._say("Perturbation {id}", id=one.id), INDENT)

    def title(self, one: Disruption) -> str:
        say, what = self._say, self.capital(self.word("disruption", one.shown_source))
        if one.how == "cancelled":
            return say("{what}, annulés", what=what)
        began = self.when(one.began)
        if one.ended is not None:
            ended, length = self.when(one.ended), self.duration(one.ended - one.began)
            how = self.word("disruption_end", one.how or "over")
            return say(
                "{what}, de {began} à {ended} ({length}) : {how}", what=what, began=began, ended=ended,
                length=length, how=how,
            )  # fmt: skip
        if self.now < one.began:
            return say("{what}, à partir de {began}", what=what, began=began)
        length = self.duration(self.now - one.began)
        return say("{what}, depuis {began} ({length})", what=what, began=began, length=length)

    def line_titles(self, one: Disruption) -> str:
        return " · ".join(map(self.line_title, one.lines))

    def notice(self, one: Disruption) -> Iterator[str]:
        say, notice, french = self._say, one.notice, self.language == "fr"
        if (reason := notice.reason_fr if french else notice.reason_en) is not None:
            yield say("Raison : {text}", text=reason)
        if notice.until is not None:
            yield say("Fin prévue : {when}", when=self.when(notice.until))
        if (other := notice.alternative_fr if french else notice.alternative_en) is not None:
            yield say("Services de rechange : {text}", text=other)
        if missing := notice.missing():
            yield say(
                "AVIS INCOMPLET, il manque : {what}", what=", ".join(self.word("notice", x) for x in missing)
            )
        elif one.noticed_after:
            yield say("Avis donné {length} après le début", length=self.duration(one.noticed_after))
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
