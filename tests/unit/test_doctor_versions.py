"""What doctor says of each version: the filter by names, CEL's events and layouts; and of the user's address."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from callmon.tools.doctor import versions
from callmon.tools.doctor.dialplan import APPS, FIELDS
from callmon.tools.doctor.event_filter import NEW_VOICEMAIL_KEY
from callmon.tools.doctor.questions import ExchangeAnswers, setting
from tests.process.test_doctor import HEALTHY, judged
from tests.support.daemon_process import ROOT

FILTER = ("manager.conf", "callmon", "eventfilter")
EVENTS = ("cel.conf", "general", "events")
MAPPING = setting("cel_custom.conf", "mappings", "Master.csv")
ADVANCED = setting("cel_custom.conf", "Master.csv", "fields")
FORMAT = setting("cel_custom.conf", "Master.csv", "format")
BY_NAMES = {f"AST_CONFIG(manager.conf,callmon,{NEW_VOICEMAIL_KEY})": "VoiceMail"}


def given(version: str, variables: dict[str, str] | None = None, **lists: tuple[str, ...]) -> ExchangeAnswers:
    places = {"filter": FILTER, "events": EVENTS}
    own = {places.get(key, ("manager.conf", "callmon", key)): values for key, values in lists.items()}
    return replace(
        HEALTHY,
        version=version,
        variables={**HEALTHY.variables, **(variables or {})},
        lists={**HEALTHY.lists, **own},
    )


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("22.10.1~dfsg+~cs6.16.60671435-1", (22, 10)),
        ("18.26.4", (18, 26)),
        ("certified/20.7-cert5", (20, 7)),
        ("certified-18.9-cert12", (18, 9)),
        ("GIT-master-123abc", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_a_release_is_read_from_what_asterisk_calls_itself(version: str, release: tuple[int, int]) -> None:
    assert versions.release(version) == release


@pytest.mark.parametrize(
    "version", ["16.30.1", "18.25.0", "19.8.1", "20.10.0", "21.5.0", "22.0.0", "certified/20.7-cert5", ""]
)
def test_a_version_that_ignores_the_filter_by_names_has_no_filter(version: str) -> None:
    assert judged(given(version, BY_NAMES, filter=())) == ["user 'callmon' has no event filter."]


@pytest.mark.parametrize("version", ["18.26.0", "20.11.0", "21.6.0", "22.1.0", "22.10.1", "23.0.0", "24.0.0"])
def test_a_version_that_obeys_the_filter_by_names_needs_no_other(version: str) -> None:
    assert judged(given(version, BY_NAMES, filter=())) == []


@pytest.mark.parametrize(
    ("version", "events", "unknown"),
    [
        ("18.26.4", "ALL,STREAM_BEGIN,DTMF", "s DTMF, STREAM_BEGIN"),
        ("20.15.2", "ALL,DTMF", " DTMF"),
        ("21.10.0", "ALL,DTMF", " DTMF"),
        ("22.5.0", "ALL,stream_end", " STREAM_END"),
        ("22.6.0", "ALL,CHAN_STRAT", " CHAN_STRAT"),
    ],
)
def test_an_event_unknown_to_this_version_switches_cel_off(version: str, events: str, unknown: str) -> None:
    reported = f"CEL logs nothing, because this version of Asterisk does not know the event{unknown}."
    assert judged(given(version, events=(events,))) == [reported]


@pytest.mark.parametrize("version", ["20.16.0", "21.11.0", "22.6.0", "23.0.0", "24.1.0"])
def test_events_of_streams_and_keys_are_known_from_their_release_on(version: str) -> None:
    assert judged(given(version, events=("ALL,STREAM_BEGIN", "STREAM_END,DTMF"))) == []


@pytest.mark.parametrize("version", ["20.19.0", "22.9.0", "23.3.0", "24.0.0"])
@pytest.mark.parametrize("fields", [FIELDS, FIELDS.replace(",", ", ")])
def test_the_columns_by_their_names_are_a_destination(version: str, fields: str) -> None:
    assert judged(given(version, {MAPPING: "", ADVANCED: fields})) == []


@pytest.mark.parametrize("version", ["18.26.4", "20.18.2", "21.12.3", "22.8.0", "23.2.1"])
def test_a_version_that_does_not_know_columns_by_names_has_no_destination(version: str) -> None:
    assert judged(given(version, {MAPPING: "", ADVANCED: FIELDS})) == ["CEL has no known destination."]


@pytest.mark.parametrize("guide", ["README.md", "LISEZMOI.md"])
def test_the_guide_names_the_applications_that_doctor_asks_for(guide: str) -> None:
    lines = re.findall("^apps = .*", (ROOT / "asterisk" / guide).read_text(encoding="utf-8"), re.MULTILINE)
    assert lines == [f"apps = {','.join(APPS)}"] * 2  # of plain Asterisk, of FreePBX


@pytest.mark.parametrize(
    "other", [{ADVANCED: "eventtype,eventtime,literal(x)"}, {ADVANCED: FIELDS, FORMAT: "json"}]
)
def test_another_layout_is_reported_with_the_columns_that_are_read(other: dict[str, str]) -> None:
    reported = ["cel_custom.conf writes Master.csv in a layout that callmon does not read."]
    assert judged(given("22.10.1", {MAPPING: "", **other})) == reported


@pytest.mark.parametrize(
    ("lists", "reported"),
    [
        ({"deny": (), "permit": ()}, 1),
        ({"deny": (), "permit": ("192.0.2.1/255.255.255.255",)}, 1),  # nobody is refused
        ({"permit": ("192.0.2.1/255.255.255.255", "0.0.0.0/0.0.0.0")}, 1),
        ({"deny": (), "permit": (), "acl": ("callmon",)}, 0),
    ],
)
def test_a_user_without_an_address_of_its_own_is_reported(
    lists: dict[str, tuple[str, ...]], reported: int
) -> None:
    assert judged(given("22.10.1", **lists)) == ["user 'callmon' may log in from any address."] * reported
