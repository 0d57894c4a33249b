"""A real Asterisk's voicemail boxes and its count of calls, on the `/metrics` of a real `callmon run` (R-27)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.framing import END
from callmon.core import facts as f
from callmon.tools.replay import Replay
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import LabCaller, Situation, Step
from tests.lab.play import Playing
from tests.lab.prometheus import Prometheus
from tests.lab.truths import GENERAL, LEAVES_IN_GREETING, LEAVES_MESSAGE
from tests.real.test_real_callbacks import leaves
from tests.real.test_real_exchange import until
from tests.support.ami_builders import listener as listening
from tests.support.daemon_process import Callmon

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


def mailboxes(callmon: Callmon, name: str) -> dict[str, float]:
    """Mailbox → value."""
    found = {}
    for (metric, labels), value in callmon.figures().items():
        if metric == f"callmon_mailbox_{name}":
            found[dict(labels)["mailbox"]] = value
    return found


def test_messages_are_counted_as_they_come_and_go_in_public_mailboxes(
    fast_exchange: Asterisk, tmp_path: Path
) -> None:
    """Two are left; somebody listens to the first; the other is taken away by hand; the exchange begins anew."""
    exchange = fast_exchange
    with asking_often(tmp_path, exchange) as callmon:
        assert until(lambda: mailboxes(callmon, "capacity") == {"500": MOST, "504": MOST})
        assert mailboxes(callmon, "messages") == {"500": 0, "504": 0}
        assert mailboxes(callmon, "messages_unheard") == {"500": 0, "504": 0}
        before = counts(callmon)
        assert (before is None) == (exchange.version == "16")  # 22.2 and later count them
        with Playing(exchange, [leaves("first"), leaves("second", begins=1.0)]) as playing:
            playing.wait()
        assert until(lambda: mailboxes(callmon, "messages") == {"500": 2, "504": 0})
        if before is not None:
            both = before[0] + 2, before[1] + 2
            assert until(lambda: counts(callmon) == both), (both, counts(callmon))
        with Playing(exchange, [Situation("listens", LabCaller("*98", phone="140", steps=LISTENS))]) as playing:
            playing.wait()
        assert until(lambda: mailboxes(callmon, "messages") == {"500": 1, "504": 0})
        assert mailboxes(callmon, "capacity") == {"500": MOST, "504": MOST}
        for path in (exchange.place / "spool/voicemail/default/500/INBOX").glob("msg*"):
            path.unlink()  # nobody tells of it: it is found by asking
        assert until(lambda: mailboxes(callmon, "messages") == {"500": 0, "504": 0})
        exchange.halt()
        assert until(lambda: mailboxes(callmon, "messages") == {})
        exchange.start()
        assert until(lambda: mailboxes(callmon, "messages") == {"500": 0, "504": 0})
        assert callmon.stop() == 0


def test_a_full_mailbox_alerts_until_there_is_room_and_outlives_callmon(
    fast_asterisk: Asterisk, tmp_path: Path
) -> None:
    """Two messages may be left; the third caller is turned away by Asterisk itself."""
    asterisk = fast_asterisk
    conf = asterisk.place / "etc/voicemail.conf"
    written = conf.read_text()
    assert "maxmsg = 500 " in written
    conf.write_text(written.replace("maxmsg = 500 ", "maxmsg = 2 ", 1))
    asterisk.cli("voicemail reload")
    with (
        asking_often(tmp_path, asterisk) as callmon,
        Prometheus(f"127.0.0.1:{callmon.web_port}", ["127.0.0.1:9"]) as prometheus,
    ):
        assert until(lambda: mailboxes(callmon, "capacity") == {"500": 2, "504": 2})
        assert until(lambda: "CallmonHeartbeat" in prometheus.alerts())
        assert "CallmonMailboxFull" not in prometheus.alerts()
        with Playing(asterisk, [leaves(str(n), begins=float(n)) for n in range(2)]) as playing:
            playing.wait()
        assert until(lambda: "CallmonMailboxFull" in prometheus.alerts())
        (alert,) = prometheus.alerts()["CallmonMailboxFull"]
        assert (alert["labels"]["mailbox"], alert["annotations"]["summary"]) == (
            "500", "Mailbox 500 nearly full (2 of 2). Messages will soon be refused: listen and delete.",
        )  # fmt: skip
        with Playing(asterisk, [leaves("turned_away")]) as playing:
            playing.wait()
        assert "No more messages possible" in asterisk.messages.read_text()
        assert mailboxes(callmon, "messages") == {"500": 2, "504": 0}
        callmon.kill()
        assert until(lambda: "CallmonDown" in prometheus.alerts())
        assert "CallmonMailboxFull" in prometheus.alerts()
        callmon.start()
        for path in (asterisk.place / "spool/voicemail/default/500/INBOX").glob("msg*"):
            path.unlink()
        assert until(lambda: "CallmonMailboxFull" not in prometheus.alerts())
        assert callmon.stop() == 0


def is_looked_at(prometheus: Prometheus) -> bool:
    """Prometheus has read the exchange's count of calls: its first look is seconds after its start."""
    return bool(prometheus.get("/api/v1/query?query=callmon_exchange_calls_processed_total")["data"]["result"])


def test_a_feed_without_the_class_call_is_silent_and_one_with_it_is_not(
    fast_asterisk: Asterisk, tmp_path: Path
) -> None:
    """The exchange itself says that it handled calls: the right of its AMI user is taken away, and given back."""
    asterisk = fast_asterisk
    conf = asterisk.place / "etc/manager.conf"
    right = "read = call,agent,user,system,dialplan"
    written = conf.read_text()
    assert right in written
    conf.write_text(written.replace(right, "read = system", 1))
    asterisk.cli("manager reload")
    calls = [leaves(str(n), begins=0.5 * n) for n in range(4)]
    with (
        asking_often(tmp_path, asterisk) as callmon,
        Prometheus(f"127.0.0.1:{callmon.web_port}", ["127.0.0.1:9"]) as prometheus,
    ):
        assert until(lambda: is_looked_at(prometheus))  # so that the count grows before its eyes
        with Playing(asterisk, calls) as playing:
            playing.wait()
        assert until(lambda: "CallmonFeedSilent" in prometheus.alerts())
        (alert,) = prometheus.alerts()["CallmonFeedSilent"]
        assert alert["labels"]["exchange"] == "toronto"
        conf.write_text(written)
        asterisk.cli("manager reload")
        callmon.stop()
        callmon.start()  # an AMI session keeps the rights that it began with
        with Playing(asterisk, calls[:1]) as playing:
            playing.wait()
        assert until(lambda: (counts(callmon) or (0, 0))[1] == 1)
        assert until(lambda: "CallmonFeedSilent" not in prometheus.alerts())
        assert callmon.stop() == 0


def test_the_dialplans_own_word_is_received_and_alone_tells_of_a_message(fast_exchange: Asterisk) -> None:
    """One leaves a message, one hangs up in the greeting; then the same without any MessageWaiting."""
    exchange = fast_exchange
    played = [
        Situation("leaves", LabCaller(GENERAL, route="lab-says-so", steps=LEAVES_MESSAGE)),
        Situation("leaves_none", LabCaller(GENERAL, route="lab-says-so", steps=LEAVES_IN_GREETING), begins=1.0),
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
    reported = [fact for outcome in replay.connection([stream]) for fact in outcome.facts]
    messages = sum(isinstance(fact, f.MessageLeft) for fact in reported)
    return sorted(call["outcome"] for call in replay.calls()), messages


def counts(callmon: Callmon) -> tuple[float, float] | None:
    """Calls that the exchange has handled, and those that callmon heard begin."""
    names = ("processed", "heard")
    one, two = (callmon.figure(f"callmon_exchange_calls_{name}_total", exchange="toronto") for name in names)
    return None if one is None or two is None else (one, two)
