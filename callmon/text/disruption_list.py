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
        for disruption in found:
            parts.setdefault(disruption.state(self.now), []).append(self.entry(disruption, met.get(disruption.id)))
        going_on = parts.get("going_on", [])
        lines = [*self._set(self._head())]
        lines += self._part(self._say("Perturbations en cours : {number}", number=len(going_on)), going_on)
        if planned := parts.get("planned"):
            lines += self._part(self._say("Travaux planifiés : {number}", number=len(planned)), planned)
        if over := [*parts.get("over", ()), *parts.get("cancelled", ())]:
            lines += self._part(self._say("Terminées : {number}", number=len(over)), over)
        return "\n".join(lines)

    def entry(self, disruption: Disruption, met: int | None = None) -> Iterator[str]:
        """The lines of one disruption."""
        lacks = disruption.counts and bool(disruption.notice.missing())
        yield from self._set(self.title(disruption), f"  {SILENT if lacks else NONE} ", INDENT)
        for line in (self.line_titles(disruption), *self.notice(disruption)):
            yield from self._set(line, INDENT)
        if met is not None and disruption.counts:
            yield from self._set(self._say("Appels touchés : {number}", number=met), INDENT)
        yield from self._set(self._say("Perturbation {id}", id=disruption.id), INDENT)

    def title(self, disruption: Disruption) -> str:
        say, what = self._say, self.capital(self.word("disruption", disruption.shown_source))
        if disruption.how == "cancelled":
            return say("{what}, annulés", what=what)
        began = self.when(disruption.began)
        if disruption.ended is not None:
            ended, length = self.when(disruption.ended), self.duration(disruption.ended - disruption.began)
            how = self.word("disruption_end", disruption.how or "over")
            return say(
                "{what}, de {began} à {ended} ({length}) : {how}", what=what, began=began, ended=ended,
                length=length, how=how,
            )  # fmt: skip
        if self.now < disruption.began:
            return say("{what}, à partir de {began}", what=what, began=began)
        length = self.duration(self.now - disruption.began)
        return say("{what}, depuis {began} ({length})", what=what, began=began, length=length)

    def line_titles(self, disruption: Disruption) -> str:
        return " · ".join(map(self.line_title, disruption.lines))

    def notice(self, disruption: Disruption) -> Iterator[str]:
        say, notice, french = self._say, disruption.notice, self.language == "fr"
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
        elif disruption.noticed_after:
            yield say("Avis donné {length} après le début", length=self.duration(disruption.noticed_after))
        else:
            yield say("Avis donné à l'avance")


def disruption_fields(disruption: Disruption) -> dict[str, Any]:
    """The JSON fields that do not change by time alone; MQTT publishes these."""
    notice = disruption.notice
    return {
        "id": disruption.id,
        "source": disruption.source,
        "exchange": disruption.exchange or None,
        "lines": list(disruption.lines),
        "began": instant(disruption.began),
        "until": instant(notice.until),
        "ended": instant(disruption.ended),
        "reason": {"fr": notice.reason_fr, "en": notice.reason_en},
        "alternative": {"fr": notice.alternative_fr, "en": notice.alternative_en},
        "missing": list(notice.missing()),
        "announced": instant(disruption.announced),
        "confirmed": disruption.confirmed,
        "work": disruption.work,
    }


def disruption_as_json(disruption: Disruption, now: datetime, met: int | None) -> dict[str, Any]:
    """One disruption as JSON values, in its state at `now`."""
    after = disruption.noticed_after
    return {
        **disruption_fields(disruption),
        "state": disruption.state(now),
        "ended_how": disruption.how,
        "by": disruption.actor,
        "seconds_to_notice": None if after is None else after.total_seconds(),
        "calls_met": met,
        "at": instant(now),
    }
