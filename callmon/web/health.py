"""Whether callmon does its job now, in sentences. Pure: its inputs are read elsewhere.

Refuses to report health while an exchange is unheard or outcomes are not stored, even if the process itself runs
well.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta

from callmon.core.calls.channels import MAX_CHANNELS
from callmon.core.snapshot import ExchangeStatus, Sink
from callmon.errors import Sentence


def troubles(
    exchanges: Collection[ExchangeStatus],
    sinks: Iterable[Sink],
    unheard_limit: timedelta,
    behind_limit: timedelta,
) -> list[str]:
    """One sentence for each fault; none when all is well."""
    return [
        *(
            Sentence(
                "The exchange {name} has been unheard for {seconds} s.",
                name=state.name,
                seconds=round(state.unheard_for.total_seconds()),
            )
            for state in exchanges
            if state.was_connected and state.unheard_for is not None and state.unheard_for > unheard_limit
        ),
        *(_never(state) for state in exchanges if not state.was_connected),
        *(_full(state) for state in exchanges if state.is_full),
        *(_behind(sink) for sink in sinks if sink.behind_for() > behind_limit or not sink.has_room()),
        *(_refused(sink) for sink in sinks if sink.refused()),
    ]


def remarks(exchanges: Iterable[ExchangeStatus], sinks: Iterable[Sink]) -> list[str]:
    """Faults that do not make callmon unhealthy: a sink is away, an exchange reports too little of ringing."""
    away = [why for sink in sinks if (why := sink.trouble()) is not None]
    return [*(_keeps_ringback_back(state) for state in exchanges if state.keeps_ringback_back), *away]


def _keeps_ringback_back(state: ExchangeStatus) -> str:
    return Sentence(
        "The exchange {name} does not report since when callers hear ringing: the start is a span, and verdicts "
        "that it could change are unknown. callmon doctor gives the filter line to add.",
        name=state.name,
    )


def _never(state: ExchangeStatus) -> str:
    return Sentence("The exchange {name} was never connected; `callmon doctor` gives the cause.", name=state.name)


def _full(state: ExchangeStatus) -> str:
    return Sentence(
        "The exchange {name} has {channels} channels without a hang-up: each new channel replaces the one that "
        "has been idle longest.",
        name=state.name,
        channels=MAX_CHANNELS,
    )


def _behind(sink: Sink) -> str:
    backlog = Sentence(
        "{sink}: {count} outcomes wait, the oldest for {seconds} s",
        sink=Sentence(sink.name),
        count=sink.backlog(),
        seconds=round(sink.behind_for().total_seconds()),
    )
    if why := sink.trouble():
        return Sentence("{backlog}: {why}.", backlog=backlog, why=why)
    return Sentence("{backlog}.", backlog=backlog)


def _refused(sink: Sink) -> str:
    return Sentence(
        "{sink}: {count} outcomes were rejected by the database and skipped: see the log.",
        sink=Sentence(sink.name),
        count=sink.refused(),
    )
