"""A real Asterisk's voicemail boxes and its count of calls, on the `/metrics` of a real `callmon run` (R-27)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from callmon import facts as f
from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.protocol import END
from callmon.replay import Replay
from tests.builders import listener as listening
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import Caller, Situation, Step
from tests.lab.play import Playing
from tests.lab.truths import GENERAL, LEAVES_IN_GREETING, LEAVES_MESSAGE
from tests.running import Callmon
from tests.test_real_callbacks import leaves
from tests.test_real_exchange import until

pytestmark = pytest.mark.lab

LISTENS = (Step(2, "press", "1"), Step(8, "press", "7"), Step(11, "hang_up"))  # and deletes the first
MOST = 500  # maxmsg of the voicemail.conf that ships


def asking_often(place: Path, exchange: Asterisk) -> Callmon:
    made = Callmon(place, exchange.ami_port, exchange.secret)
    user = 'username = "callmon"\n'
    written = made.config.read_text(encoding="utf-8")
    assert user in written
    often = user + 'ping_every = "1s"\nlist_every = "2s"\n'
    made.config.write_text(written.replace(user, often, 1), encoding="utf-8")
    return made


def boxes(callmon: Callmon, name: str) -> dict[str, float]:
    """Mailbox → value."""
    found = {}
    for (metric, labels), value in callmon.figures().items():
        if metric == f"callmon_mailbox_{name}":
            found[dict(labels)["mailbox"]] = value
    return found


def test_messages_are_counted_as_they_come_and_go_and_only_of_the_publics_boxes(
    exchange: Asterisk, tmp_path: Path
) -> None:
    """Two are left; somebody listens to the first; the other is taken away by hand; the exchange begins anew."""
    with asking_often(tmp_path, exchange) as callmon:
        assert until(lambda: boxes(callmon, "capacity") == {"500": MOST, "504": MOST})
        assert boxes(callmon, "messages") == {"500": 0, "504": 0}
        assert boxes(callmon, "messages_unheard") == {"500": 0, "504": 0}
        before = counts(callmon)
        assert (before is None) == (exchange.version == "16")  # which does not count them
        with Playing(exchange, [leaves("first"), leaves("second", begins=1.0)]) as playing:
            playing.wait()
        assert until(lambda: boxes(callmon, "messages") == {"500": 2, "504": 0})
        if before is not None:
            both = before[0] + 2, before[1] + 2
            assert until(lambda: counts(callmon) == both), (both, counts(callmon))
        with Playing(exchange, [Situation("listens", Caller("*98", phone="140", steps=LISTENS))]) as playing:
            playing.wait()
        assert until(lambda: boxes(callmon, "messages") == {"500": 1, "504": 0})
        assert boxes(callmon, "capacity") == {"500": MOST, "504": MOST}
        for path in (exchange.place / "spool/voicemail/default/500/INBOX").glob("msg*"):
            path.unlink()  # nobody tells of it: it is found by asking
        assert until(lambda: boxes(callmon, "messages") == {"500": 0, "504": 0})
        exchange.halt()
        assert until(lambda: boxes(callmon, "messages") == {})
        exchange.start()
        assert until(lambda: boxes(callmon, "messages") == {"500": 0, "504": 0}, 30)
        assert callmon.stop() == 0


def test_the_dialplans_own_word_is_heard_and_alone_tells_of_a_message(exchange: Asterisk) -> None:
    """One leaves a message, one hangs up in the greeting; then the same without any MessageWaiting."""
    played = [
        Situation("leaves", Caller(GENERAL, route="lab-says-so", steps=LEAVES_MESSAGE)),
        Situation("leaves_none", Caller(GENERAL, route="lab-says-so", steps=LEAVES_IN_GREETING), begins=1.0),
    ]
    with Listener(exchange.ami_port, "callmon", exchange.secret) as listener:
        with Playing(exchange, played) as playing:
            playing.wait()
        time.sleep(1.0)
    stream = listener.heard()
    said = [event for event in map(decoding.event, stream.split(END)) if isinstance(event, e.UserEvent)]
    assert sorted((each.name, each.status, each.mailbox) for each in said) == [
        ("CallmonVoicemail", "FAILED", "500@default"), ("CallmonVoicemail", "SUCCESS", "500@default"),
    ]  # fmt: skip
    expected = ["voicemail_message", "voicemail_no_message"]
    assert outcomes(stream) == (expected, 1)
    blocks = [block for block in stream.split(END) if not block.startswith(b"Event: MessageWaiting")]
    assert len(blocks) < len(stream.split(END))
    assert outcomes(END.join(blocks)) == (expected, 1)


def outcomes(stream: bytes) -> tuple[list[str], int]:
    """How the calls ended, and how many messages were told."""
    replay = Replay(listening(), "toronto")
    told = [fact for outcome in replay.connection([stream]) for fact in outcome.facts]
    messages = sum(isinstance(fact, f.MessageLeft) for fact in told)
    return sorted(call["outcome"] for call in replay.calls()), messages


def counts(callmon: Callmon) -> tuple[float, float] | None:
    """Calls that the exchange has handled, and those that callmon heard begin."""
    names = ("processed", "heard")
    one, two = (callmon.figure(f"callmon_exchange_calls_{name}_total", exchange="toronto") for name in names)
    return None if one is None or two is None else (one, two)
