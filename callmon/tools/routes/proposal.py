"""What the routes of an exchange tell for a first configuration: lines, boxes, phones, languages. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from callmon.ami.mailboxes import short
from callmon.config.phone_numbers import e164
from callmon.core.calls.endpoints import extension, is_local, is_number
from callmon.tools.doctor.learn import Dialled, LearnedExchange
from callmon.tools.routes.as_text import path_texts
from callmon.tools.routes.reading import ExchangeRoutes
from callmon.tools.routes.walk import Hop, Route

_WORKDAYS = re.compile(r"([0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}),mon-fri,\*,\*")
_PARTS = re.compile(r"\s*,\s*")


def learned(found: ExchangeRoutes, public: Collection[str], tty: Collection[str], region: str) -> LearnedExchange:
    """The lines are the routes of the `public` numbers, in E.164; those of `tty` are TTY lines."""
    keys = {e164(route.number, region) or route.number: route for route in found.routes}
    lines = {key: _line(route, "tty" if key in tty else "voice") for key, route in keys.items() if key in public}
    queues = {hop.name for key in lines for path in keys[key].paths for hop in path if hop.kind == "queue"}
    return LearnedExchange(
        lines,
        set(found.trunks),
        set(found.prefixes),
        {found.parking_extension} - {""},
        set(found.voicemail_contexts),
        queues,
        {route.number for route in found.routes if route.number.startswith("_")},
        region,
    )


def public_numbers(found: ExchangeRoutes, region: str) -> list[str]:
    """Those that the dialplan has, in E.164 where they are telephone numbers; a pattern is none."""
    written = [route.number for route in found.routes if not route.number.startswith("_")]
    return [e164(number, region) or number for number in written]


def usual_hours(lines: Iterable[Dialled]) -> str:
    """The hours from Monday to Friday, where the dialplan has one time condition of such days; else ""."""
    found = {hours for line in lines for hours in line.hours}
    return found.pop() if len(found) == 1 else ""


def _line(route: Route, mode: str) -> Dialled:
    hops = [hop for path in route.paths for hop in path]
    spoken = [list(_spoken(path)) for path in route.paths]
    kinds = {hop.kind for hop in hops}
    is_complete = route.is_whole and not kinds & {"queue", "unfollowed"}  # the members of a queue change
    has_menu = any(hop.kind == "language" and is_by_key for each in spoken for hop, is_by_key in each)
    return Dialled(
        forms=Counter({route.number: 0}),
        trunks={route.context},
        phones={name for hop in hops if hop.kind == "phones" and is_complete for name in _phones(hop.name)},
        mailboxes=Counter(short(hop.name) for hop in hops if hop.kind == "box"),
        languages={hop.name for hop in hops if hop.kind == "language"},
        given={next((hop.name for hop, is_by_key in each if not is_by_key), "") for each in spoken},
        has_menu=has_menu,
        has_prompt="key" in kinds,
        mode=mode,
        hours={found[1] for hop in hops if hop.kind == "hours" and (found := _WORKDAYS.match(hop.name))},
        paths=path_texts(route),
    )


def _spoken(path: tuple[Hop, ...]) -> Iterator[tuple[Hop, bool]]:
    """The languages of a path, each with whether a key came before it."""
    is_by_key = False
    for hop in path:
        is_by_key = is_by_key or hop.kind == "key"
        if hop.kind == "language":
            yield hop, is_by_key


def _phones(dialled: str) -> Iterator[str]:
    """The extensions among what is dialled together; an outside number is none."""
    for name in _PARTS.split(dialled):
        bare = extension(name) if "/" in name else name
        if bare and not is_local(name) and not is_number(bare) and "@" not in bare:
            yield bare
