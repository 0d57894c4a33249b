"""The exchange's own count of calls beside callmon's, to detect a silent event stream. Pure: no I/O, no clock.

`CoreProcessedCalls` of CoreStatus counts the calls for which the exchange ran its dialplan since it started.
callmon counts the channels whose Newchannel begins a call. Both counts are stored as of the same CoreStatus reply,
so that a call between two replies is in both or in neither. The counts are not equal: only whether they grow is
compared. Asterisk has this count from 20.12, 21.7 and 22.2 on; before, `counts` stays None.
"""

from typing import NamedTuple

from callmon.ami.events import Reply


class CallCounts(NamedTuple):
    """`processed`: by the exchange since it started. `heard`: received by callmon since callmon started."""

    processed: int
    heard: int


class CallCountMonitor:
    """The counts of one exchange, across its connections. `counts` is None until the exchange has reported one."""

    def __init__(self) -> None:
        self.begun = 0
        self.counts: CallCounts | None = None

    def answered(self, reply: Reply) -> None:
        """Process any reply: only replies to CoreStatus hold the count."""
        text = reply["CoreProcessedCalls"]
        if text.isascii() and text.isdigit() and len(text) < 16:
            self.counts = CallCounts(int(text), self.begun)
