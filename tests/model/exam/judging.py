"""What may be said of a call that was cut: the truth, or less, and never something else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from callmon.core.calls.call import Call, DurationRange, Transfer
from tests.model.exam.subjects import SaidOfCall

# An answer that a listing tells is by the CDR's clock, a few milliseconds from AMI's; CEL's has the same distance.
NEAR = timedelta(seconds=0.02)
# A call that was found arrived in the second that its Uniqueid names.
SECOND = timedelta(seconds=1)
# CEL's ringing begins with the phone's channel.
DIALLED = timedelta(seconds=0.2)
# The dialplan may clear up for so long after a caller has hung up.
CLEARING = timedelta(seconds=2)
Wrong = tuple[str, object, object]


def wrongs(said: SaidOfCall, true: SaidOfCall, filled: bool = False) -> list[str]:
    """Each point in which more is claimed than is true. `filled`: by CEL, which knows less of some things."""
    call, real = said.call, true.call
    reported = [*_outcome(call, real), *_rings(call, real, filled), *_times(call, real), *_transfers(call, real)]
    reported += [] if filled else [*_counts(call, real), *_lengths(call, real)]
    found = [f"{key} {got!r}, in truth {value!r}" for key, got, value in reported]
    for standard, verdict in said.verdicts.items():
        is_settled = true.verdicts.get(standard) == "unknown" and _is_by_the_dials_options(call, real)
        if verdict not in ("unknown", true.verdicts.get(standard)) and not is_settled:
            found.append(f"{standard} {verdict}, in truth {true.verdicts.get(standard)}")
    if not call.is_ended:
        found.append("never ended")
    elif said.verdicts.keys() != true.verdicts.keys():
        found.append(f"verdicts of {sorted(said.verdicts)}")
    return found


def _outcome(call: Call, real: Call) -> Iterator[Wrong]:
    # That voicemail took it may be known, and whether a message was left not.
    box = real.outcome.startswith("voicemail") and call.outcome == "voicemail"
    if not box and call.outcome not in ("unknown", real.outcome):
        yield "outcome", call.outcome, real.outcome
    for key in ("direction", "line", "abandoned_in", "answered_by"):
        if getattr(call, key) not in (None, getattr(real, key)):
            yield key, getattr(call, key), getattr(real, key)


def _rings(call: Call, real: Call, filled: bool) -> Iterator[Wrong]:
    """From CEL they are an estimate, marked as one: its ringing begins with the phone's channel."""
    near = filled and call.rings_estimated and real.rings is not None
    if call.rings is None or call.rings == real.rings:
        return
    if not near or abs(call.rings - (real.rings or 0)) > 1:
        yield "rings", call.rings, real.rings


def _times(call: Call, real: Call) -> Iterator[Wrong]:
    for key, slack in (("arrived", SECOND), ("ringing", NEAR), ("answered", NEAR), ("ended", NEAR)):
        got, value = getattr(call, key), getattr(real, key)
        slack = max(slack, DIALLED) if call.heard == "filled" else slack
        if got is None or (value is not None and abs(got - value) <= slack):
            continue
        if key == "ended" and _is_the_channels(call, value, got):
            continue
        if key == "ringing" and _is_by_the_dials_options(call, real):
            continue
        yield key, str(got), str(value)
    span, value = call.waited, real.waited
    if value is None and _is_by_the_dials_options(call, real):
        return
    if span is not None and (
        value is None or not _holds(span, value, DIALLED if call.heard == "filled" else NEAR)
    ):
        yield "waited", _shown(span), _shown(value)


def _is_the_channels(call: Call, value: datetime | None, got: datetime) -> bool:
    """Where the wish to hang up was not heard, or CEL tells the end, the channel's end is the call's."""
    not_heard = call.ended_by == "unknown" or call.heard == "filled"
    return not_heard and value is not None and timedelta(0) < got - value < CLEARING


def _is_by_the_dials_options(call: Call, real: Call) -> bool:
    """CEL names the options of a Dial, which an old filter, ExecIf or TryExec kept back."""
    is_open = real.wait_start == "phone" or real.ringing_at_most is not None
    return call.heard == "filled" and real.ringing is None and is_open


def _holds(span: DurationRange, value: DurationRange, near: timedelta) -> bool:
    return span.shortest - near <= value.shortest and value.longest <= span.longest + near


def _shown(span: DurationRange | None) -> str:
    return "none" if span is None else f"{span.shortest.total_seconds():.3f} to {span.longest.total_seconds():.3f}"


def _transfers(call: Call, real: Call) -> Iterator[Wrong]:
    left = list(real.transfers)
    for sent in call.transfers:
        same = next((one for one in left if _is_that(sent, one)), None)
        if same is None:
            yield "transfers", call.transfers, real.transfers
            return
        left.remove(same)


def _is_that(sent: Transfer, real: Transfer) -> bool:
    """In all that is said of it."""
    return sent.kind in (None, real.kind) and sent.to in (None, real.to) and sent.answered == real.answered


def _counts(call: Call, real: Call) -> Iterator[Wrong]:
    if call.ended_by not in (None, "unknown", real.ended_by):
        yield "ended_by", call.ended_by, real.ended_by
    if call.language not in (None, real.language):
        yield "language", call.language, real.language
    for key in ("forwards", "parked", "holds"):
        if (getattr(call, key) or 0) > (getattr(real, key) or 0):
            yield key, getattr(call, key), getattr(real, key)
    box, there = call.voicemail, real.voicemail
    if box is None:
        return
    for key in ("mailbox", "rings", "message"):
        got = getattr(box, key)
        if there is None or got not in (None, getattr(there, key)):
            yield f"voicemail's {key}", got, None if there is None else getattr(there, key)


def _lengths(call: Call, real: Call) -> Iterator[Wrong]:
    for key in ("talked", "held_after", "held_for"):
        got, value = getattr(call, key), getattr(real, key)
        if got is not None and (value is None or abs(got - value) > NEAR):
            yield key, str(got), str(value)
