"""`callmon doctor --listen`: a first configuration from what was heard, and what it concludes (R-42)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from callmon.config import settings
from callmon.config.exchange import ExchangeSettings
from callmon.config.settings import Settings
from callmon.tools.doctor import TrafficSample, propose
from tests.support.ami_builders import GENERAL, Channel, Exchange, replayed

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = sorted((ROOT / "tests/recordings").rglob("*.ami"))
TRACES = sorted((ROOT / "tests/data/traces").glob("*/ami.raw"))
EXAMPLE = settings.example()


def proposal(
    chunks: Iterable[bytes], name: str = "exchange", exchange: ExchangeSettings | None = None, language: str = "en"
) -> str:
    sample = TrafficSample()
    for chunk in chunks:
        sample.heard(chunk)
    return propose(sample, name, exchange, language)


@pytest.mark.sampled(60)
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_a_proposal_loads_and_holds_no_callers_number(recording: Path) -> None:
    reported = proposal([recording.read_bytes()], "toronto")
    proposed = settings.parse(reported)
    assert list(proposed.exchanges) == ["toronto"]
    assert re.findall(r"555-?01\d\d", reported) == []


def heard(name: str) -> str:
    (recording,) = (path for path in RECORDINGS if path.stem == name)
    return proposal([recording.read_bytes()], "toronto", EXAMPLE.exchanges["toronto"])


def test_a_voicemail_call_gives_line_trunk_mailbox_and_ring_time() -> None:
    reported = heard("vm_message")
    proposed = settings.parse(reported)
    (line,) = proposed.lines()
    assert (line.numbers, line.mailboxes) == (("+14163272422",), ("500",))
    exchange = proposed.exchanges["toronto"]
    assert (exchange.trunks, exchange.voicemail_contexts) == (("PJSIP/trunk",), ("box",))
    assert [text for text in reported.splitlines() if "Voicemail took" in text] == [
        "# Voicemail took 1 of its calls after 24.0 s: 4 full rings."
    ]


NEWCHANNEL = (
    "Event: Newchannel\r\nChannel: {channel}\r\nChannelState: 4\r\nCallerIDNum: {caller}\r\nExten: {exten}\r\n"
    "Uniqueid: {id}\r\nLinkedid: {id}\r\n\r\n"
)


def arriving(
    exten: str, caller: str = "4165550101", channel: str = "PJSIP/carrier-00000001", id: str = "1.1"
) -> bytes:
    return NEWCHANNEL.format(exten=exten, caller=caller, channel=channel, id=id).encode()


def lines_of(*messages: bytes) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(line.numbers, line.arrives_as) for line in settings.parse(proposal(messages)).lines()]


def test_the_forms_of_one_number_are_one_line() -> None:
    forms = ("4163272422", "14163272422", "+14163272422", "s", "7329")
    messages = [arriving(form, id=f"1.{n}") for n, form in enumerate(forms)]
    assert lines_of(*messages) == [(("+14163272422",), ()), ((), ("7329",)), ((), ("s",))]


def test_a_phone_with_a_long_number_is_no_trunk_once_it_has_been_rung() -> None:
    rung = b"Event: DialBegin\r\nUniqueid: 1.2\r\nDestChannel: PJSIP/desk-00000002\r\nDialString: desk\r\n\r\n"
    outside = arriving("94165550102", caller="4163272422", channel="PJSIP/desk-00000001")
    assert lines_of(outside, rung) == []


def test_who_calls_by_no_trunk_makes_none_and_no_line() -> None:
    assert lines_of(arriving("4163272422", channel="PJSIP/anonymous-00000001")) == []


def test_a_transfer_to_a_parked_call_names_the_parking_extension() -> None:
    reported = proposal(
        [
            arriving("4163272422"),
            b"Event: ParkedCall\r\nParkeeUniqueid: 1.1\r\nParkingSpace: 701\r\n\r\n",
            b"Event: BlindTransfer\r\nTransfereeUniqueid: 1.1\r\nExtension: 70\r\n\r\n",
            b"Event: BlindTransfer\r\nTransfereeUniqueid: 9.9\r\nExtension: 104\r\n\r\n",
        ]
    )
    assert settings.parse(reported).exchanges["exchange"].parking_extensions == ("70",)


def test_nothing_that_an_exchange_says_can_write_into_the_file() -> None:
    sly = arriving('s"]\n[store]\nurl = "x', channel="PJSIP/a\nb\x7f-00000001")
    assert lines_of(sly) == [((), ('s"]?[store]?url = "x',))]
    assert [line.name for line in settings.parse(proposal([b"\xff\xfe" * 999, b"\r\n\r\n"])).lines()] == []


# --- what the proposal concludes ---------------------------------------------------------------------


def filled_in(reported: str) -> tuple[Settings, dict[str, str]]:
    """As an administrator fills it in: the menus ask for the language. And the policy's names of its lines."""
    proposed = settings.parse(re.sub(r"^# (language_menu = true)", r"\1", reported, flags=re.MULTILINE))
    names = {number: line.name for line in EXAMPLE.lines() for number in line.numbers}
    return proposed, {line.name: names[line.numbers[0]] for line in proposed.lines() if line.numbers}


# Joined in the middle: no call arrived while it was heard, so no line is known.
@pytest.mark.sampled(60)
@pytest.mark.parametrize(
    "path", [*RECORDINGS, *(t for t in TRACES if t.parent.name != "ami_connect_midcall")], ids=str
)
def test_a_proposal_concludes_as_the_policys_own_configuration_does(path: Path) -> None:
    """Which, by test_traces and test_real_calls, is what people did.

    Without its extensions: who knows a line's phones from the start may find another cause for its first calls
    than who learns them call by call.
    """
    data = path.read_bytes()
    of_lines = re.sub(r"^extensions = .*\n", "", proposal([data], "toronto"), flags=re.MULTILINE)
    proposed, names = filled_in(of_lines)
    reported = replayed(data, settings=proposed).calls()
    assert [call | {"line": names.get(call["line"])} for call in reported] == replayed(data).calls()


# --- FreePBX -----------------------------------------------------------------------------------------


def freepbx(ring_seconds: float = 15.0, did: str = GENERAL, language: str = "en") -> tuple[Exchange, Channel]:
    """A ring group of Local channels in vain, then voicemail in a context where phones ring as well."""
    exchange = Exchange()
    caller = exchange.call(did, trunk="PJSIP/Carrier-A", context="from-pstn", caller="4165550101")
    caller.language = language
    first, second = (
        exchange.new(
            f"Local/{phone}@from-internal-00000001;{half}", 0, phone, caller.linkedid, context="from-internal"
        )
        for phone, half in (("2001", 1), ("2001", 2))
    )
    exchange._dial("DialBegin", caller, first, DialString="2001@from-internal/n")
    phone = exchange.dial(
        second, "PJSIP/2001", dial_string="2001/sip:2001@192.0.2.7:5060", linkedid=caller.linkedid
    )
    exchange.at(0.5).ring(second, phone)
    exchange.at(0.5 + ring_seconds).stop(second, phone)
    exchange.stop(caller, first)
    exchange.hangup(second)
    return exchange, caller


def heard_of(exchange: Exchange) -> Settings:
    return settings.parse(proposal([bytes(exchange.connections[0])], "toronto"))


def told_of(exchange: Exchange) -> list[str]:
    return proposal([bytes(exchange.connections[0])], "toronto").splitlines()


def test_a_ring_group_of_local_channels_gives_phones_trunk_and_time() -> None:
    exchange, caller = freepbx(15.0)
    exchange.voicemail(caller, context="macro-vm")
    exchange.at(40.0).hangup(caller)
    (line,) = heard_of(exchange).lines()
    (toronto,) = heard_of(exchange).exchanges.values()
    assert (toronto.trunks, line.extensions, line.mailboxes) == (("PJSIP/Carrier-A",), ("2001",), ("500",))
    assert [row for row in told_of(exchange) if "oicemail" in row] == [
        "voicemail_contexts = [\"macro-vm\"]",
        "# Voicemail took 1 of its calls after 15.0 s: 2 full rings.",
        "# The policy has voicemail after the fourth ring (24 s): set the exchange's ring time.",
    ]  # fmt: skip


def test_a_context_in_which_phones_ring_too_is_never_proposed_as_voicemail() -> None:
    exchange, caller = freepbx()
    exchange.voicemail(caller, context="ext-local")
    exchange.at(40.0).hangup(caller)
    other = exchange.at(50.0).call(trunk="PJSIP/Carrier-A", caller="4165550102")
    other.context = "ext-local"
    exchange.at(55.0).gives_up(other)
    (toronto,) = heard_of(exchange).exchanges.values()
    assert toronto.voicemail_contexts == ()


def test_without_the_dialplans_step_a_message_gives_the_mailbox() -> None:
    exchange, caller = freepbx(20.0)
    exchange.voicemail(caller, reported=False, context="macro-vm")
    exchange.at(40.0).message(caller)
    exchange.hangup(caller)
    (line,) = heard_of(exchange).lines()
    assert line.mailboxes == ("500",)
    assert "# Voicemail took 1 of its calls after 20.0 s: 3 full rings." in told_of(exchange)


def test_a_french_proposal_has_the_same_settings_and_french_comments() -> None:
    (recording,) = (path for path in RECORDINGS if path.stem == "vm_message")
    chunks = [recording.read_bytes()]
    french, english = (proposal(chunks, "toronto", None, language) for language in ("fr", "en"))
    assert [row for row in french.splitlines() if "sonneries" in row] == [
        "# Appels pris par la messagerie vocale : 1, après 24,0 s, soit 4 sonneries entières."
    ]
    in_both = {row for row in english.splitlines() if "#" in row} & set(french.splitlines())
    assert in_both == set()
    marked = french.replace("À REMPLIR", "FILL IN")
    assert settings.parse(marked).configuration == settings.parse(english).configuration


def test_ring_times_that_differ_are_reported_with_their_range() -> None:
    exchange = Exchange()
    for start, rings in ((0.0, 12.0), (100.0, 24.0), (200.0, 24.0)):
        caller = exchange.at(start).call()
        phones = exchange.rings(caller, "PJSIP/101")
        exchange.at(start + rings).stop(caller, *phones)
        exchange.voicemail(caller)
        exchange.at(start + 50.0).hangup(caller)
    assert [row for row in told_of(exchange) if row.startswith("# Voicemail took")] == [
        "# Voicemail took 3 of its calls after 24.0 s (from 12.0 s to 24.0 s): 4 full rings."
    ]


def test_a_language_before_the_answer_is_the_lines_a_later_one_a_menus() -> None:
    given, caller = freepbx(language="fr")
    given.at(40.0).hangup(caller)
    chosen = Exchange()
    caller = chosen.call()
    chosen.menu(caller)
    caller.language = "fr"
    chosen.at(5.0).rings(caller)
    prompt = Exchange()
    caller = prompt.call()
    prompt.menu(caller)
    prompt.at(5.0).rings(caller)
    prompt.at(9.0).hangup(caller)
    chosen.at(9.0).hangup(next(iter(chosen.channels.values())))
    reported = [
        [(line.language, line.language_menu) for line in heard_of(exchange).lines()]
        for exchange in (given, chosen, prompt)
    ]
    assert reported == [[("fr", False)], [(None, True)], [(None, False)]]
    assert [row for row in told_of(prompt) if "language_menu" in row] == [
        "# language_menu = true  # FILL IN: true if the menu that answers asks for the language"
    ]


def test_a_toll_free_number_that_did_not_arrive_as_one_is_asked_for() -> None:
    asked = "# No toll-free number arrived."
    assert [asked in proposal([arriving(did)]) for did in (GENERAL, "8002677329")] == [True, False]


def test_queues_are_reported_and_their_languages_left_to_be_filled_in() -> None:
    exchange = Exchange()
    caller = exchange.call()
    exchange.queue(caller, "renseignements-fr")
    exchange.at(9.0).hangup(caller)
    (row,) = [row for row in told_of(exchange) if "queue_languages" in row]
    assert row == ('# queue_languages = { "renseignements-fr" = "fr" }  # FILL IN: those that serve one language')
    text = "\n".join(told_of(exchange)).replace("# queue_languages", "queue_languages")
    assert settings.parse(text).exchanges["toronto"].queue_languages == {"renseignements-fr": "fr"}


def test_music_instead_of_ringing_is_reported_but_not_that_of_hold() -> None:
    def starts(exchange: Exchange, channel: Channel) -> None:
        exchange.event("MusicOnHoldStart", **exchange._of(channel), Class="default")

    group, queue, held = Exchange(), Exchange(), Exchange()
    for exchange in (group, queue, held):
        caller = exchange.call()
        if exchange is queue:
            exchange.queue(caller)
        if exchange is not held:
            starts(exchange, caller)
        phones = exchange.at(1.0).rings(caller)
        exchange.at(5.0).answer(caller, *phones)
        starts(exchange, caller)
        exchange.at(9.0).ends(caller, phones[0])
    reported = [[row for row in told_of(exchange) if "of its calls" in row] for exchange in (group, queue, held)]
    assert reported == [
        ["# In 1 of its calls the caller heard music instead of ringing. Callers cannot count such rings: let"],
        ["# 1 of its calls entered a queue. If it answers with music, rings are counted from there."],
        [],
    ]


def test_slots_without_a_transfer_to_the_lot_leave_its_extension_open() -> None:
    reported = proposal(
        [arriving(GENERAL), b"Event: ParkedCall\r\nParkeeUniqueid: 1.1\r\nParkingSpace: 71\r\n\r\n"]
    )
    assert [row for row in reported.splitlines() if "park" in row] == [
        "# parked calls waited at 71",
        '# parking_extensions = ["700"]  # FILL IN: the extension to which a transfer parks a call',
    ]
