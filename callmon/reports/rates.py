"""The counts of each rate, and the lengths of which median, 95th percentile and longest are reported. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from callmon.config.standards import ALL_STANDARDS
from callmon.reports.model import Kind
from callmon.reports.obligations import JUDGED

Count = tuple[str, str]


class Rate(NamedTuple):
    """A rate as parts of counts.

    `of`: the numerator. `over`: the whole denominator, including the numerator. `less`: subtracted from both.
    """

    of: tuple[Count, ...]
    over: tuple[Count, ...]
    less: tuple[Count, ...] = ()


OPEN = ("hours", "open")
_VOICEMAIL = tuple(("outcomes_in_hours", x) for x in ("voicemail_message", "voicemail_no_message", "voicemail"))
# The caller hung up early, during ringing or silence: the strict reading counts these as not met.
EARLY = tuple(("answer_by_third_ring.exempt", reason) for reason in ("hung_up_early", "no_phone_reachable"))


def _parts(name: str, *parts: str) -> tuple[Count, ...]:
    return tuple((name, part) for part in parts)


def _verdicts(standard: str) -> Rate:
    return Rate(_parts(f"{standard}.verdict", "met"), _parts(f"{standard}.verdict", "met", "not_met"))


def _fates(name: str, part: str) -> Rate:
    return Rate(((name, part),), _parts(name, *JUDGED))


_THIRD = _verdicts("answer_by_third_ring")
RATES: Mapping[str, Rate] = {
    "completeness": Rate(_parts("heard", "full", "filled"), _parts("heard", "full", "filled", "partly")),
    "answer_rate": Rate((("outcomes_in_hours", "answered"),), (OPEN,)),
    "abandonment_rate": Rate((("outcomes_in_hours", "abandoned"),), (OPEN,), (("short_abandons_in_hours", ""),)),
    "voicemail_share": Rate(_VOICEMAIL, (OPEN,)),
    "answer_by_third_ring.strict_rate": Rate(_THIRD.of, (*_THIRD.over, *EARLY)),
    "redirections.rate": Rate(_parts("redirections", "0", "1"), _parts("redirections", "0", "1", "2", "3+")),
    "callbacks_24_hours.rate": _fates("callbacks_24_hours", "called_back"),
    "callbacks_24_hours.attempted_rate": _fates("callbacks_24_hours", "attempted"),
    "callbacks_business_day.rate": _fates("callbacks_business_day", "called_back"),
    "french_at_first_answer.rate": Rate(
        _parts("french_at_first_answer", "yes"), _parts("french_at_first_answer", "yes", "no", "unknown")
    ),
} | {f"{standard}.rate": _verdicts(standard) for standard in ALL_STANDARDS}


def fraction(rate: Rate, counts: Mapping[Count, int]) -> tuple[int, int]:
    """The numerator and the denominator of a rate."""
    less = sum(counts.get(x, 0) for x in rate.less)
    return sum(counts.get(x, 0) for x in rate.of) - less, sum(counts.get(x, 0) for x in rate.over) - less


LENGTHS: Mapping[str, Kind] = {
    "rings": "rings",
    "time_to_answer": "seconds",
    "time_from_arrival": "seconds",
    "early_hold": "seconds",
    "callback_delay": "seconds",
}
ENDS = ("median", "p95", "longest")
