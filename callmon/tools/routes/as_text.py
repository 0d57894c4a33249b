"""The routes of an exchange for a terminal: a number, then a line for each path. Pure."""

from collections.abc import Iterator

from callmon.tools.doctor.finding import reader_text
from callmon.tools.routes.reading import ExchangeRoutes
from callmon.tools.routes.walk import Hop, Route


def as_text(found: ExchangeRoutes) -> str:
    """One paragraph a number."""
    if found.failure == "no_reporting":
        return reader_text("The AMI user may not read the dialplan: give it write = reporting.")
    if found.failure:
        return reader_text("The exchange could not be asked; `callmon doctor` gives the cause.")
    if not found.routes:
        return reader_text("No number of seven digits or more was found where calls from outside arrive.")
    return "\n".join(line for route in found.routes for line in _lines(route))


def _lines(route: Route) -> Iterator[str]:
    yield route.number
    yield from ("    " + text for text in path_texts(route))


def path_texts(route: Route) -> tuple[str, ...]:
    """A text of each path of a number."""
    paths = tuple(" → ".join(_hop(hop) for hop in path) for path in route.paths)
    return paths if route.is_whole else (*paths, reader_text("More paths were left out."))


def _hop(hop: Hop) -> str:
    said = _texts()[hop.kind].format(name=hop.name, place=hop.place).strip()
    if hop.seconds is not None:
        said += " " + reader_text("for {seconds} s").format(seconds=hop.seconds)
    return f"{said} ({reader_text('music, no ring')})" if hop.music else said


def _texts() -> dict[str, str]:
    """For each kind of hop, in the reader's language."""
    return {
        "phones": reader_text("phones {name}"),
        "queue": reader_text("queue {name}"),
        "box": reader_text("voicemail box {name}"),
        "language": reader_text("language {name}"),
        "key": reader_text("key {name}"),
        "no_key": reader_text("no key"),
        "hours": reader_text("in the time {name}"),
        "otherwise": reader_text("outside the time {name}"),
        "hang_up": reader_text("the exchange hangs up"),
        "repeats": reader_text("again from an earlier step"),
        "unfollowed": reader_text("not followed: {place} {name}"),
    }
