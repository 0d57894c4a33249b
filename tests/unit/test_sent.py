"""What is sent of a call is a list, for each output: the types and columns of the outputs are those lists."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from callmon.core.calls.call import Call, Transfer, Voicemail
from callmon.features.calls import api
from callmon.features.calls.api import ApiFact
from callmon.features.calls.search import CallSummary
from callmon.features.months.open_data.queries import COLUMNS
from callmon.features.webhooks.events import CallData
from callmon.sinks.mqtt import topics
from callmon.sinks.traces import spans
from callmon.text import sent

MADE = {"exchange", "verdicts", "cause", "transfers", "voicemail", "findings", "facts", "story", "disruptions"}
# What a call, its rows and its facts have and no output of rows, traces or the API may have.
HIDDEN = {
    "caller",
    "withheld",
    "channel",
    "caller_channel",
    "dialled",
    "answered_by",
    "answered_channel",
    "mailbox",
}


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (api.CALL, [*sent.API_LIST.split(), "verdicts", "cause"]),
        (ApiFact, sent.API_FACT.split()),
        (CallData, sent.WEBHOOK),
    ],
)
def test_the_type_of_an_output_has_the_fields_of_its_list(
    output: type[msgspec.Struct], names: Iterable[str]
) -> None:
    assert output.__struct_fields__ == (*names,)


def test_the_api_has_the_fields_of_its_list_and_what_is_made_of_them() -> None:
    assert {*api.DETAIL.__struct_fields__} == {*sent.API_CALL.split()} | MADE - {"verdicts", "cause"}


@pytest.mark.parametrize(
    "names",
    [sent.API_LIST.split(), sent.API_CALL.split(), sent.API_TRANSFER.split(), sent.WEBHOOK, [*COLUMNS["calls"]]],
)
def test_no_list_but_that_of_the_broker_has_a_number_a_phone_or_a_channel(names: Iterable[str]) -> None:
    assert HIDDEN & {*names} == set()


def test_each_name_of_a_list_is_a_field_that_exists() -> None:
    for names, of in (
        (sent.API_LIST, CallSummary),
        (sent.API_CALL, Call),
        (sent.API_TRANSFER, Transfer),
        (sent.API_VOICEMAIL, Voicemail),
    ):
        assert {*names.split()} - {*of.__struct_fields__} == set()


def test_a_field_that_no_list_names_is_sent_to_no_broker() -> None:
    call = {**dict.fromkeys(sent.MQTT), "direction": "inbound", "transfers": (), "note": "4165550101"}
    assert {*topics.without_people(call)} == {*sent.MQTT}


def test_an_attribute_that_no_list_names_is_in_no_span() -> None:
    given = {"callmon.line": "general", "callmon.note": "Maxime", "callmon.verdict.third_ring": "met"}
    assert spans._sent(given) == {"callmon.line": "general", "callmon.verdict.third_ring": "met"}
