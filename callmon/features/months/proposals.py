"""The remarks that are proposed for a month: a sentence for each of its longest disruptions. Pure.

A person reads and changes them before they are in a report. Refuses: planned work that never began.
"""

from collections.abc import Iterable
from datetime import datetime

from callmon.config.settings import Settings
from callmon.core.disruptions.disruption import Disruption
from callmon.core.statistics.period import Month
from callmon.features.months.formatter import ReportFormatter

MOST = 3  # disruptions; the section of disruptions has their number and hours


def proposed(
    disruptions: Iterable[Disruption], settings: Settings, month: Month, language: str, now: datetime
) -> str:
    """The sentences, in the order in which the disruptions began; "" without any."""
    formatter = ReportFormatter(language, settings.timezone)
    until = min(month.end, now)
    known = [x for x in disruptions if x.counts and max(x.began, month.begin) < min(x.ended or until, until)]
    longest = sorted(known, key=lambda x: (x.ended or until) - x.began)[-MOST:]
    return " ".join(_sentence(x, settings, formatter) for x in sorted(longest, key=lambda x: x.began))


def _sentence(disruption: Disruption, settings: Settings, formatter: ReportFormatter) -> str:
    say = formatter.say
    known = settings.lines()
    ended = disruption.ended
    lines = "; ".join(known[x].title(formatter.language) if x in known else x for x in disruption.lines)
    begin = formatter.date_and_time(disruption.began)
    text = (
        say("{lines}: disruption since {begin}.", lines=lines, begin=begin)
        if ended is None
        else say(
            "{lines}: disruption from {begin} to {end}.",
            lines=lines,
            begin=begin,
            end=formatter.date_and_time(ended),
        )
    )
    notice = disruption.notice
    reason = notice.reason_fr if formatter.language == "fr" else notice.reason_en
    text = text.replace("..", ".")  # "p.m." ends a sentence as well
    return text if reason is None else f"{text} {say('Reason: {reason}.', reason=reason.rstrip('.'))}"
