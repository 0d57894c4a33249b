"""Bytes to messages: however the network splits them, whatever stands in them."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.ami.framing import END, MAX_MESSAGE, Framer
from tests.support.examples import examples

TRACES = Path(__file__).parents[1] / "data" / "traces"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LOG_IN = b"Response: Success\r\nMessage: Authentication accepted"


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    bounds = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    return [data[one:two] for one, two in pairwise(bounds)]


def framed(chunks: list[bytes]) -> tuple[list[bytes], int]:
    framer = Framer()
    messages = [message for chunk in chunks for message in framer.receive(chunk)]
    return messages, framer.dropped


@pytest.mark.parametrize("name", ["vm_message", "two_calls", "ami_connect_midcall"])
@effort(max_examples=examples(25), deadline=None)
@given(cuts=st.lists(st.integers(0, 10**6), max_size=40))
def test_any_split_of_a_recording_gives_the_same_messages(name: str, cuts: list[int]) -> None:
    data = (TRACES / name / "ami.raw").read_bytes()
    assert framed(split(data, cuts)) == framed([data])


def test_a_recording_byte_by_byte_gives_the_same_messages() -> None:
    data = (TRACES / "tty_answered" / "ami.raw").read_bytes()
    assert framed([data[at : at + 1] for at in range(len(data))]) == framed([data])


pieces = st.one_of(
    st.sampled_from([b"\r\n", END, b"\r", b"\n", b"Event: A", BANNER, BANNER[:9], BANNER[:22], b"\0\xff\xc3"]),
    st.integers(100, 110).map(lambda length: b"1" * length),
    st.sampled_from([MAX_MESSAGE - 1, MAX_MESSAGE, MAX_MESSAGE + 1, MAX_MESSAGE + 4, 3 * MAX_MESSAGE]).map(
        lambda length: b"x" * length
    ),
    st.binary(max_size=20),
)


@pytest.mark.parametrize("before", [b"", BANNER])
@effort(max_examples=examples(200), deadline=None)
@given(data=st.lists(pieces, max_size=12).map(b"".join), cuts=st.lists(st.integers(0, 10**7), max_size=12))
def test_any_split_of_junk_gives_the_same_messages(before: bytes, data: bytes, cuts: list[int]) -> None:
    assert framed(split(before + data, cuts)) == framed([before + data])


HALF = b"Event: Hangup\r\nUniqueid: 1.1\r\n"


@pytest.mark.parametrize(
    ("data", "messages", "banner", "tail"),
    [
        (BANNER + LOG_IN + END, [LOG_IN], b"Asterisk Call Manager/11.0.0", b""),
        (LOG_IN + END, [LOG_IN], b"", b""),
        (BANNER + HALF, [], b"Asterisk Call Manager/11.0.0", HALF),
    ],
)
def test_neither_the_banner_nor_a_message_without_its_end_is_a_message(
    data: bytes, messages: list[bytes], banner: bytes, tail: bytes
) -> None:
    framer = Framer()
    assert (framer.receive(data), framer.banner, framer._tail) == (messages, banner, tail)


@pytest.mark.parametrize(("length", "kept", "dropped"), [(MAX_MESSAGE, 1, 0), (MAX_MESSAGE + 1, 0, 1)])
def test_a_message_at_the_bound_is_stored_and_one_above_is_dropped(length: int, kept: int, dropped: int) -> None:
    for chunks in ([b"x" * length + END], [b"x" * length, END], [b"x" * length + END[:2], END[2:]]):
        messages, lost = framed([BANNER, *chunks, LOG_IN + END])
        assert ([len(message) for message in messages], lost) == ([length] * kept + [len(LOG_IN)], dropped)


def test_an_endless_line_takes_no_memory_and_is_dropped_once() -> None:
    framer = Framer()
    framer.receive(BANNER)
    for _ in range(100):
        assert framer.receive(b"x" * 10_000) == []
        assert len(framer._tail) <= MAX_MESSAGE + 3
    assert framer.receive(END + LOG_IN + END) == [LOG_IN]
    assert framer.dropped == 1


def test_an_endless_banner_takes_no_memory() -> None:
    framer = Framer()
    for _ in range(100):
        framer.receive(b"Asterisk Call Manager/" + b"1" * 10_000)
    assert len(framer._tail) <= MAX_MESSAGE + 3


@pytest.mark.parametrize(("length", "is_banner"), [(106, True), (107, False), (70_000, False)])
def test_a_line_too_long_for_a_banner_is_none_in_any_split(length: int, is_banner: bool) -> None:
    data = b"Asterisk Call Manager/" + b"1" * length + b"\r\n" + LOG_IN + END
    for size in (1, 7, len(data) - 3, len(data)):
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        framer = Framer()
        messages = [message for chunk in chunks for message in framer.receive(chunk)]
        assert (framer.banner != b"", messages == [LOG_IN]) == (is_banner, is_banner)


def test_many_messages_in_one_chunk_are_all_stored() -> None:
    data = BANNER + (LOG_IN + END) * 2000
    assert framed([data]) == ([LOG_IN] * 2000, 0)
    random.seed(1)
    assert framed(split(data, [random.randrange(len(data)) for _ in range(300)])) == ([LOG_IN] * 2000, 0)
