"""An exchange that refuses to list its channels: nothing is invented, nothing stays open."""

from __future__ import annotations

from datetime import UTC, datetime

from callmon.ami import events as e
from callmon.ami.session import Session
from callmon.config.settings import example
from callmon.core.monitor import Monitor

AT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
GREETING = (
    b"Asterisk Call Manager/11.0.0\r\n"
    b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
    b"Event: FullyBooted\r\nUptime: 97\r\nStatus: Fully Booted\r\n\r\n"
)


def test_a_refused_status_is_reported_once_and_ends_what_was_up() -> None:
    monitor = Monitor(example(), "toronto", token=str)
    call = e.Newchannel(
        AT, "PJSIP/trunk-1", "4", "4165550101", "", "en", "", "4163272422", "1795536000.0", "1795536000.0"
    )
    monitor.feed("toronto", call)
    monitor.feed("toronto", e.ConnectionLost(AT))
    outcome = monitor.feed("toronto", e.ListingRefused(AT))
    assert outcome is not None
    assert [(ended.outcome, ended.ended) for ended in outcome.calls] == [("unknown", None)]
    assert {finding.verdict for finding in outcome.findings} == {"unknown"}
    assert monitor.calls_in_progress("toronto") == []
    assert not monitor.exchanges["toronto"].tracker.state.is_unheard


def test_a_session_whose_listing_is_denied_says_so_once() -> None:
    session = Session("toronto", "callmon", "secret", 0.0, md5=False)
    session.receive_data(GREETING, 0.0)
    asked = [line for line in session.data_to_send().split(b"\r\n") if line.startswith(b"ActionID: ")]
    denied = b"".join(
        b"Response: Error\r\n" + line + b"\r\nMessage: Permission denied\r\n\r\n" for line in asked[-3:]
    )
    assert session.receive_data(denied, 1.0) == [e.ListingRefused(None)]


def test_an_exchange_that_lists_no_device_states_still_lists_its_channels() -> None:
    session = Session("toronto", "callmon", "secret", 0.0, md5=False)
    session.receive_data(GREETING, 0.0)
    asked = session.data_to_send().split(b"\r\n\r\n")
    (states,) = (one for one in asked if one.startswith(b"Action: DeviceStateList\r\n"))
    number = states.split(b"\r\n")[1]
    refused = b"Response: Error\r\n" + number + b"\r\nMessage: Invalid/unknown command: DeviceStateList.\r\n\r\n"
    assert session.receive_data(refused, 1.0) == []
