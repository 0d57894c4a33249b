"""How a caller of the public presents itself to the exchange: From, privacy, and the requested route."""

from __future__ import annotations

from tests.lab.model import PlayedSituation
from tests.lab.site import TRUNK_ADDRESS


def shown(call: PlayedSituation) -> str:
    """The From address; each byte of a name is one character (latin-1)."""
    caller = call.situation.caller
    if caller.withheld:
        return '"Anonymous" <sip:anonymous@anonymous.invalid>'
    return f"{_display(caller.name)}<sip:{call.caller}@{TRUNK_ADDRESS}>"


def route(call: PlayedSituation) -> str:
    """The requested context, extension and priority, and values for it; empty: the line's own."""
    place, bar, values = (call.situation.caller.route or "").partition("|")
    return f"{place}{'' if ',' in place or not place else ',s,1'}{bar}{values}"


def identity(call: PlayedSituation) -> str:
    """The caller's identity, asserted to the exchange by the carrier although the caller withholds it."""
    caller = call.situation.caller
    return f"<sip:{call.number}@{TRUNK_ADDRESS}>" if caller.withheld and caller.delivered else ""


def _display(name: str | bytes | None) -> str:
    if name is None:
        return ""
    raw = name if isinstance(name, bytes) else name.encode()
    return f'"{raw.decode("latin-1")}" '
