"""A recorded call, cut at two moments: the input of a callmon that was away between them, then the listing.

A listing is made from three sources: the recording up to then; CEL, which has the application of each channel;
and Asterisk's values of a channel's CDR (`cdr_times.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from callmon.backfill.cel.rows import CelRow
from callmon.core import facts as f
from callmon.core.facts import Fact
from callmon.tools.replay import Replay
from tests.support.ami_builders import BANNER, listener
from tests.support.cdr_times import Records

LOGIN = (
    b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 100000\r\nLastReload: 1\r\n\r\n"
)
END = b"\r\n\r\n"
LISTED = (
    *("Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum"),
    *("ConnectedLineName", "Language", "Context", "Exten", "Uniqueid", "Linkedid"),
)
Shown = dict[str, dict[str, str]]  # channels by Uniqueid
Applications = dict[str, tuple[str, str]]  # the application that each channel runs, and its data


@dataclass
class Recording:
    """The messages of a call, each with the channels that a listing would show after it."""

    blocks: list[bytes]
    heads: list[dict[str, str]] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    times: list[str] = field(default_factory=list)

    @staticmethod
    def of(stream: bytes) -> Recording:
        made = Recording([block for block in stream.partition(b"\r\n")[2].split(END) if block.strip()])
        channels: Shown = {}
        records: dict[str, Records] = {}
        for block in made.blocks:
            head = _headers(block)
            _follow(channels, head)
            _follow_records(records, channels, head)
            made.heads.append(head)
            made.shown.append({own: dict(channel) for own, channel in channels.items()})
            made.times.append(head.get("Timestamp") or (made.times[-1] if made.times else ""))
        return made

    @property
    def first(self) -> int:
        """Index of the call's own first message."""
        return next(n for n, head in enumerate(self.heads) if "Timestamp" in head)

    def before(self, end: int) -> bytes:
        return BANNER + _joined(self.blocks[:end])

    def after(self, begin: int, listed: int, rows: Iterable[CelRow]) -> bytes:
        """Messages from `begin` on; the listing follows those before `listed`."""
        at = f"{float(self.times[listed - 1] or self.times[self.first]) + 0.0002:.6f}"
        applications = {row.uniqueid: (row.app, row.data) for row in rows if row.at.timestamp() <= float(at)}
        listed_now = listing(self.shown[listed - 1], applications, at)
        return BANNER + LOGIN + _joined(self.blocks[begin:listed]) + listed_now + _joined(self.blocks[listed:])


def known_after_a_cut(before: bytes, after: bytes) -> list[Fact]:
    """Facts if callmon stayed up and only the connection was cut."""
    return _facts(Replay(listener(), "toronto"), before, after)


def known_after_a_kill(before: bytes, after: bytes) -> list[Fact]:
    """Facts if callmon was killed and restarts with the stored facts of calls in progress."""
    first, second = Replay(listener(), "toronto"), Replay(listener(), "toronto")
    known = _facts(first, before)
    ended = {fact.call for fact in known if isinstance(fact, f.Ended)}
    calls: dict[str, list[Fact]] = {}
    for fact in known:
        if fact.call not in ended:
            calls.setdefault(fact.call, []).append(fact)
    judged = {call: [finding.standard for finding in found] for call, found in first.findings.items()}
    if first.last is not None:
        second.monitor.restore("toronto", first.last, calls, judged)
    return known + _facts(second, after)


def _facts(replay: Replay, *connections: bytes) -> list[Fact]:
    outcomes = (outcome for data in connections for outcome in replay.connection([data]))
    return [fact for outcome in outcomes for fact in outcome.facts]


def _joined(blocks: Sequence[bytes]) -> bytes:
    return b"".join(block + END for block in blocks)


def _headers(block: bytes) -> dict[str, str]:
    pairs = (line.partition(": ") for line in reversed(block.decode("utf-8", "replace").split("\r\n")))
    return {name: value for name, _, value in pairs}  # of a repeated key, the first


def _follow(channels: Shown, head: dict[str, str]) -> None:
    kind, own = head.get("Event"), head.get("Uniqueid", "")
    for prefix in ("", "Dest"):
        channel = head.get(f"{prefix}Uniqueid", "")
        if channel and (channel in channels or kind == "Newchannel"):
            reported = {name: head[prefix + name] for name in LISTED if prefix + name in head}
            channels[channel] = channels.get(channel, {}) | reported
    match kind:
        case "Newchannel" if head["ChannelState"] == "4":
            channels[own]["DNID"] = head["Exten"]
        case "DialBegin":
            _runs(channels, own, "Dial", "unknown,24,U(unknown)")
            _runs(channels, head["DestUniqueid"], "AppDial")
        case "QueueCallerJoin":
            _runs(channels, own, "Queue")
        case "QueueCallerLeave":
            _runs(channels, own, "")
        case "Newexten" if head["Application"] == "VoiceMail":
            _runs(channels, own, "VoiceMail", head["AppData"])
        case "BridgeEnter" | "BridgeLeave" if own in channels:
            channels[own]["bridge"] = head["BridgeUniqueid"] if kind == "BridgeEnter" else ""
        case "Hangup":
            channels.pop(own, None)


def _runs(channels: Shown, own: str, application: str, data: str = "") -> None:
    """The application according to the messages; CEL is better. A queue that dials keeps its caller."""
    if own in channels and not (application == "Dial" and channels[own].get("runs") == "Queue"):
        channels[own] |= {"runs": application, "with": data}


def _follow_records(records: dict[str, Records], channels: Shown, head: dict[str, str]) -> None:
    kind, own, at = head.get("Event"), head.get("Uniqueid", ""), head.get("Timestamp", "")
    if kind == "Newchannel":
        records[own] = Records(head["ChannelState"] == "6")
        records[own].begin(at)
    reported, other = records.get(own), head.get("DestUniqueid", "")
    if reported is None:
        return
    match kind:
        case "Newstate" if head["ChannelState"] == "6":
            reported.up(at)
        case "DialBegin":
            reported.dials(at, other)
        case "DialEnd" if head["DialStatus"] != "ANSWER":
            reported.stops(other)
        case "BridgeEnter":
            reported.enters(at)
        case "BridgeLeave":
            reported.leaves(at)
    if own in channels:
        channels[own] |= {"start": reported.all[-1].start, "answer": reported.all[-1].answer or "0.000000"}


def listing(channels: Shown, applications: Applications, at: str) -> bytes:
    """As in Asterisk, the answers to actions have no Timestamp; another event gives the time."""
    time = _written("PeerStatus", {"Timestamp": at, "Peer": "PJSIP/101"})
    short = [
        _written("CoreShowChannel", _entry(one, "BridgeId") | {"Application": _running(applications, own, one)[0]})
        for own, one in channels.items()
    ]
    long = [
        _written(
            "Status",
            _entry(one, "BridgeID")
            | {"DNID": one.get("DNID", "")}
            | dict(zip(("Application", "Data"), _running(applications, own, one), strict=True))
            | {"Variable": f"CDR(start,u)={one.get('start', '0.000000')}"},
            f"Variable: CDR(answer,u)={one.get('answer', '0.000000')}",
        )
        for own, one in channels.items()
    ]
    done = _written("CoreShowChannelsComplete", {"EventList": "Complete"})
    return b"".join([*short, time, done, *long, time, _written("StatusComplete", {})])


def _running(applications: Applications, own: str, channel: dict[str, str]) -> tuple[str, str]:
    return applications.get(own) or (channel.get("runs", ""), channel.get("with", ""))


def _entry(channel: dict[str, str], bridge: str) -> dict[str, Any]:
    return {name: channel[name] for name in LISTED if name in channel} | {bridge: channel.get("bridge", "")}


def _written(kind: str, headers: dict[str, Any], *more: str) -> bytes:
    reported = [f"{name}: {value}" for name, value in headers.items()]
    lines = [f"Event: {kind}", "Privilege: call,all", *reported, *more]
    return "\r\n".join(lines).encode() + END
