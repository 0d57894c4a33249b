"""The states of the demonstration's phones, as Asterisk derives them from the channels of each. Pure.

A line has two to four phones: those that its recordings ring.
"""

from collections.abc import Iterator, Mapping

LINES: Mapping[str, tuple[str, ...]] = {
    "general": ("101", "102", "103", "110"),
    "general-toll-free": ("101", "102", "103"),
    "tty": ("104", "124"),
    "tty-toll-free": ("104", "124"),
    "poci": ("105", "106"),
    "poci-toll-free": ("105", "106"),
}
DEVICES = tuple(f"PJSIP/{phone}" for phone in sorted({phone for phones in LINES.values() for phone in phones}))
FREE = "NOT_INUSE"
RINGING = "RINGING"
IN_USE = "INUSE"
RINGING_IN_USE = "RINGINUSE"


class DemoPhones:
    """The state of every phone, from the channels that are up."""

    def __init__(self) -> None:
        self.states = dict.fromkeys(DEVICES, FREE)

    def changes(self, channels: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
        """The phones whose state is another one now, and that state. `channels`: their headers by Uniqueid."""
        rings, talks = set[str](), set[str]()
        for channel in channels.values():
            phone = channel.get("Channel", "").rpartition("-")[0]
            (rings if channel.get("ChannelStateDesc") == "Ringing" else talks).add(phone)
        for phone, before in self.states.items():
            both = (phone in rings, phone in talks)
            state = {(True, True): RINGING_IN_USE, (True, False): RINGING, (False, True): IN_USE}.get(both, FREE)
            if state != before:
                self.states[phone] = state
                yield phone, state
