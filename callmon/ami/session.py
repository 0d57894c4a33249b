"""One AMI session, without I/O: log in, list, listen, keep alive.

    CONNECTED ──banner──▶ CHALLENGING ──challenge──▶ LOGGING_IN ──accepted──▶ LISTENING
        │                  (md5 only)                    │                        │
        └─ no AMI ────────────▶ FAILED ◀── refused ──────┘      silence ──▶ FAILED┘

`receive_data` takes bytes and the monotonic time (seconds), and returns events. `data_to_send` returns the bytes
to write. Call `tick` at `next_deadline`.

After the login a `Ping` reads the exchange's clock. The channels are listed once the exchange is fully booted. An
exchange that is still starting accepts a login and lists nothing: it would look like one that never stopped. A
shorter listing every few minutes reveals ghost channels. With it the session requests the exchange's call count
(`call_counts.py`) and the state of the lines' mailboxes (`mailboxes.py`). Events that have no Timestamp but end a
gap (FullyBooted, StatusComplete) get the exchange's own time: its last Timestamp plus the monotonic time since.

Refuses: to stay on a connection whose `Ping` is not answered in time, and to put CR or LF into an action.
"""

from datetime import datetime
from enum import Enum, auto
from math import inf

from callmon.ami import events as e
from callmon.ami.call_counts import CallCountMonitor
from callmon.ami.clock import LEAST_STEP, Clock, ClockStepped
from callmon.ami.decoding import decode
from callmon.ami.events import RING, Newchannel
from callmon.ami.framing import BANNER, Framer, format_action, login_key
from callmon.ami.mailboxes import Mailboxes
from callmon.errors import AmiError, Sentence

# CDR(answer,u) on the phone's leg is the only exact time of an answer during a gap; CDR(start,u) proves it.
LISTING = (
    ("CoreShowChannels", ()),
    ("Status", (("Variables", f"CDR(start,u),CDR(answer,u),{e.PRESENTATION}"),)),
    ("CoreStatus", ()),
)
# Asterisk closes a connection without a login after 30 s; a banner arrives within milliseconds.
GREETING_TIMEOUT = 10.0
# FullyBooted follows the login at once, unless the exchange is starting or the account may not receive it.
BOOT_PATIENCE = 10.0
STEADY_SECONDS = 5.0
HELD_UP = 1.0  # a later timer is the daemon's own delay: bytes may have arrived that are not read yet
MAX_PINGS = 100  # unanswered, of an exchange that still sends events
SELDOM = frozenset(
    (
        *(e.Reply, e.FullyBooted, e.CoreShowChannelsComplete, e.StatusComplete),
        *(e.MessageWaiting, e.VoicemailUserDetail),
    )
)


class SessionState(Enum):
    CONNECTED = auto()
    CHALLENGING = auto()
    LOGGING_IN = auto()
    LISTENING = auto()
    FAILED = auto()


class Session:
    """The AMI protocol with one exchange over one connection."""

    def __init__(
        self,
        exchange: str,
        username: str,
        secret: str,
        now: float,
        md5: bool = True,
        ping_every: float = 5.0,
        ping_timeout: float = 5.0,
        list_every: float = 180.0,
        mailboxes: Mailboxes | None = None,
        feed: CallCountMonitor | None = None,
    ) -> None:
        self.exchange = exchange
        self.state = SessionState.CONNECTED
        self.failure: AmiError | None = None
        self.is_refused = False
        self.unusable = 0
        self.received = 0  # events, also unused ones
        self._username = username
        self._secret = secret
        self._md5 = md5
        self._ping_every = ping_every
        self._ping_timeout = ping_timeout
        self._list_every = list_every
        self._mailboxes, self._feed = mailboxes or Mailboxes(), feed or CallCountMonitor()
        self._mailboxes.begin_gap()
        self.framer = Framer()
        self._out: list[bytes] = []
        self._actions = 0
        self._deadline = now + GREETING_TIMEOUT
        self._waived = -inf  # send time of the Ping whose deadline was extended
        self._pings: dict[str, float] = {}  # ActionID → when it was sent, until the reply
        self._listed = now
        self._list_by: float | None = None  # when the listing is requested, even without FullyBooted
        self.last_byte = now  # when it was received, in monotonic seconds
        self.clock = Clock()
        self._read: e.Event | None = None  # the last event whose time was read
        self._odd: list[e.Event] | None = None  # held events: the clock seems set, until a Ping reply decides
        self._odd_since, self._odd_from = 0.0, 0  # when holding began; index of the first in the current batch
        self._is_apart, self._set_at = False, -STEADY_SECONDS
        self._given: datetime | None = None  # the time assigned to the last event without a Timestamp
        self._booted: e.FullyBooted | None = None
        self._listing_actions: set[str] = set()  # the listing's ActionIDs

    def receive_data(self, data: bytes, now: float) -> list[e.Event]:
        """The events in these bytes. Never raises on received data; an error is stored in `failure`."""
        self.last_byte = now
        messages = self.framer.receive(data)
        if self.state is SessionState.CONNECTED:
            self._greet(now)
        events: list[e.Event] = []
        for message in decode(messages, self._unusable):
            if type(message) in SELDOM:
                self._read_clock(events, now)
                self._process_seldom(message, now, events)
                continue
            if type(message) is Newchannel and message.uniqueid == message.linkedid:
                self._begun(message)
            events.append(message)  # type: ignore[arg-type]
        self._read_clock(events, now)
        self.received += len(messages)
        if self._odd is not None:
            self._odd += events[self._odd_from :]
            del events[self._odd_from :]
            self._odd_from = 0
        return events

    def data_to_send(self) -> bytes:
        """The bytes to write now; each call returns only new ones."""
        data, self._out = b"".join(self._out), []
        return data

    def next_deadline(self) -> float:
        """When to call `tick`, in monotonic seconds."""
        return self._deadline if self._list_by is None else min(self._deadline, self._list_by)

    def tick(self, now: float) -> None:
        """The deadline has passed: send a Ping, or fail because the exchange does not answer."""
        if self._list_by is not None and now >= self._list_by:
            self._ask_listing(now)
        if now < self._deadline or self.state is SessionState.FAILED:
            return
        if self.state is not SessionState.LISTENING:
            self._fail(
                Sentence("did not greet or answer the login in time; check that host and port are the AMI's")
            )
        elif self.last_byte > (sent := max(self._pings.values(), default=-inf)):
            self._ask_time(now)
        elif now - self._deadline > HELD_UP and self._waived != sent:
            self._waived, self._deadline = sent, now + self._ping_timeout
        else:
            self._fail(Sentence("does not answer; closing the connection"))

    def hasten_ping(self, now: float) -> None:
        """Send a Ping now, unless a reply is awaited: the reply proves that all earlier events were received."""
        if self.state is SessionState.LISTENING and not self._pings:
            self._ask_time(now)

    def lost(self) -> e.ConnectionLost:
        """The end of this connection. The last byte does not count: its message may be incomplete or unread."""
        times = [at for at in (self.clock.last, self._given) if at is not None and self._odd is None]
        until = max(times, default=None)
        self._mailboxes.begin_gap(until)
        return e.ConnectionLost(until)

    def exchange_time(self, now: float) -> datetime | None:
        """The exchange's own time at `now`; None before the exchange has reported any."""
        return self.clock.time(now)

    def heard_until(self) -> datetime | None:
        """The exchange's last reported time, by its own clock; None before any, and while events are held (`odd`).

        The time of the last byte would be too late: bytes are gathered before they are read.
        """
        return self.clock.last if self._odd is None else None

    def _greet(self, now: float) -> None:
        banner = self.framer.banner
        if banner is None:
            return
        if not banner.startswith(BANNER):
            self._fail(Sentence("is not an Asterisk manager interface; check host and port"))
        elif self._md5:
            self.state = SessionState.CHALLENGING
            self._send("Challenge", (("AuthType", "MD5"),))
        else:
            self._log_in((("Secret", self._secret),))
        self._deadline = now + GREETING_TIMEOUT

    def _log_in(self, proof: tuple[tuple[str, str], ...]) -> None:
        self.state = SessionState.LOGGING_IN
        if not self._send("Login", (("Username", self._username), *proof)):
            self._fail(Sentence("cannot be contacted: the user name or secret holds a line break"))

    def _replied(self, reply: e.Reply, now: float, events: list[e.Event]) -> None:
        match self.state:
            case SessionState.CHALLENGING if reply["Challenge"]:
                self._log_in((("AuthType", "MD5"), ("Key", login_key(reply["Challenge"], self._secret))))
            case SessionState.CHALLENGING | SessionState.LOGGING_IN if reply["Response"] != "Success":
                self.is_refused = True
                self._fail(
                    Sentence(
                        "refuses the login of {user!r} ({why}): check its name, its secret and the permit lines "
                        "of manager.conf; the exchange's log says which",
                        user=self._username,
                        why=reply["Message"] or Sentence("no reason given"),
                    )
                )
            case SessionState.LOGGING_IN:
                self.state = SessionState.LISTENING
                self._list_by = now + BOOT_PATIENCE
                self._ping(now)
            case SessionState.LISTENING if reply["Ping"]:
                self._ponged(reply, now, events)
            case SessionState.LISTENING if (
                reply["Response"] == "Error" and reply["ActionID"] in self._listing_actions
            ):
                self._listing_actions.clear()
                events.append(e.ListingRefused(self._give_time(now)))
            case SessionState.LISTENING:
                self._feed.answered(reply)
                presentation = e.presentation(reply, self.clock.last)
                if presentation is not None:
                    events.append(presentation)
            case _:
                pass

    def _ponged(self, reply: e.Reply, now: float, events: list[e.Event]) -> None:
        sent = self._sent_at(reply["ActionID"], now)
        self._deadline = now + self._ping_every
        reported = e.instant(reply["Timestamp"])
        if reported is not None:
            self._compare(reported, sent, now, events)
        if self._booted is not None:
            events.append(e.FullyBooted(self.exchange_time(now), self._booted.uptime))
            self._booted = None

    def _sent_at(self, action: str, now: float) -> float:
        """When the Ping of this reply (else the first pending one) was sent. Earlier Pings are dropped."""
        sent = self._pings.get(action, next(iter(self._pings.values()), now))
        self._pings = {other: at for other, at in self._pings.items() if at > sent}
        return sent

    def _process_seldom(self, message: e.Event | e.Reply, now: float, events: list[e.Event]) -> None:
        """Process a reply or a rare event. An event without a Timestamp may end a gap: it gets exchange time."""
        if isinstance(message, e.Reply):
            self.received -= 1
            self._replied(message, now, events)
        elif isinstance(message, e.FullyBooted):
            self._fully_booted(message, now, events)
        elif isinstance(message, e.VoicemailUserDetail):
            self._mailboxes.record_listing(
                f"{message.mailbox}@{message.context}", message.new, message.most, self.exchange_time(now)
            )
        elif isinstance(message, e.MessageWaiting):
            self._mailboxes.record_message_waiting(
                message.mailbox, message.new, message.at or self.exchange_time(now)
            )
            events.append(message)
        elif not message.stamp:
            events.append(type(message)(self._give_time(now)))
        else:
            events.append(message)

    def _give_time(self, now: float) -> datetime | None:
        """The time for an event that may end a gap: the next gap does not begin before it."""
        self._given = self.exchange_time(now)
        return self._given

    def _fully_booted(self, message: e.FullyBooted, now: float, events: list[e.Event]) -> None:
        """FullyBooted has no Timestamp at login, and has one when the boot ends during the connection."""
        if message.stamp:
            events.append(message)
        else:
            self._booted = message  # emitted with its time after the first Ping reply
        if self._list_by is not None:
            self._ask_listing(now)

    def _ask_listing(self, now: float) -> None:
        self._list_by, self._listed = None, now
        self._send("DeviceStateList")  # states of phones; if refused, each is known from its next change
        for action, headers in LISTING:
            self._send(action, headers)
            self._listing_actions.add(f"callmon-{self._actions}")
        self._ask_mailboxes()

    def _read_clock(self, events: list[e.Event], now: float) -> None:
        """Read the exchange's clock once for each batch of events."""
        latest = next((event for event in reversed(events) if event.stamp), None)
        at = None if latest is None or latest is self._read else latest.at
        if at is None or self._odd is not None:
            return
        self._read = latest
        if not self._is_apart and self.clock.is_odd(at, now):
            self._odd = []
            self._odd_since = now
            self._odd_from = _odd_from(events, at)
            if not self._pings:
                self._ping(now)
        else:
            self.clock.record_time(at, now)

    def _compare(self, reported: datetime, sent: float, now: float, events: list[e.Event]) -> None:
        """Process a Ping reply: if the clock was set, emit `ClockStepped`, then the events that were held."""
        by = self.clock.ponged(reported, sent, now)
        if by and now - self._set_at < STEADY_SECONDS:  # a fast or slow clock: no clock is set so often
            self._is_apart = True
        by, self._set_at = by * (not self._is_apart), now if by else self._set_at
        if self._odd is not None and not by and sent < self._odd_since:
            self._ping(now)  # that Ping predates the odd event, so its reply decides nothing
            return
        step = [ClockStepped(reported, by)] if by else []
        self._given = None if by else self._given
        if self._odd is None:
            events += step  # events in the same batch arrived before the reply
            return
        # Events and replies use different clocks when a recording is being played.
        self._is_apart = self._is_apart or not by
        events[self._odd_from : self._odd_from] = [*step, *self.odd()]

    def odd(self) -> list[e.Event]:
        """The held events, which wait until a Ping reply shows whether the clock was set; each returned once."""
        odd, self._odd = self._odd or [], None
        return odd

    def _begun(self, event: e.Newchannel) -> None:
        """Request the caller's presentation, which no event reports; not for a name with a line break."""
        self._feed.begun += 1
        if event.state == RING:
            self._send("Getvar", e.presentation_question(event.uniqueid, event.channel))

    def _unusable(self, message: bytes) -> None:
        self.unusable += 1
        self.received -= 1

    def _ask_time(self, now: float) -> None:
        self._ping(now)
        if now - self._listed >= self._list_every:
            self._list_channels(now)

    def _ping(self, now: float) -> None:
        self._deadline = now + self._ping_timeout
        if len(self._pings) < MAX_PINGS:
            self._send("Ping")
            self._pings[f"callmon-{self._actions}"] = now

    def _list_channels(self, now: float) -> None:
        """Request a listing, to check that calls in progress still exist (`core/calls/ghost_channels.py`)."""
        self._listed = now
        self._send("CoreShowChannels")
        self._send("CoreStatus")
        self._ask_mailboxes()

    def _ask_mailboxes(self) -> None:
        """Request the state of each box. An exchange without such a box reports that."""
        for context, mailbox in self._mailboxes.questions():
            self._send("VoicemailUserStatus", (("Context", context), ("Mailbox", mailbox)))

    def _send(self, action: str, headers: tuple[tuple[str, str], ...] = ()) -> bool:
        """Queue an action. False, and nothing queued, when a field contains a line break."""
        self._actions += 1
        data = format_action({"Action": action, "ActionID": f"callmon-{self._actions}", **dict(headers)})
        if data is not None:
            self._out.append(data)
        return data is not None

    def _fail(self, what: Sentence) -> None:
        self.state = SessionState.FAILED
        sentence = Sentence("Exchange {name} {what}.", name=self.exchange, what=what)
        self.failure = self.failure or AmiError(sentence)


def _odd_from(events: list[e.Event], at: datetime) -> int:
    """The index of the first event in the final run by the same clock as the last event, whose time is `at`."""
    place = len(events)
    for n in range(len(events) - 1, -1, -1):
        reported = events[n].at
        if reported is not None and abs(reported - at) >= LEAST_STEP:
            break
        place = n
    return place
