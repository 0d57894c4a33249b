"""What a callmon that stands by keeps, and what it need not keep any more."""

from __future__ import annotations

from datetime import timedelta

from callmon.core.outcome import Heartbeat, Outcome
from callmon.store.writer.appender import drop_committed
from callmon.store.writer.outbox import Outbox, encode_item
from tests.support.store_fixtures import RING, START, answered_call, outcomes

SECOND = timedelta(seconds=1)
OUTCOMES = outcomes(answered_call(0))
OTHERS = outcomes(answered_call(1), "ottawa")


def heartbeat(after: float, exchange: str = "toronto") -> Heartbeat:
    return Heartbeat(exchange, START + after * SECOND)


def left(items: list[Outcome | Heartbeat], **heard: float) -> tuple[int, list[Outcome | Heartbeat]]:
    """How many were forgotten, and what is still there."""
    encoded = [encode_item(item) for item in items]
    known = dict(zip(encoded, items, strict=True))
    gone = drop_committed(encoded, {name: START + after * SECOND for name, after in heard.items()})
    return gone, [known[item] for item in encoded]


def test_what_lies_before_an_overtaken_heartbeat_is_forgotten() -> None:
    items = [*OUTCOMES[:3], heartbeat(1), *OUTCOMES[3:5], heartbeat(2), OUTCOMES[5]]
    assert left(items, toronto=3.999) == (0, items)
    assert left(items, toronto=4.0) == (4, items[4:])
    assert left(items, toronto=5.0) == (7, [OUTCOMES[5]])


def test_what_no_heartbeat_follows_stays_however_far_the_other_is() -> None:
    assert left([*OUTCOMES[:3]], toronto=3600.0) == (0, OUTCOMES[:3])


def test_an_unreceived_exchange_does_not_delay_another_ones_outcomes() -> None:
    items = [OTHERS[0], OUTCOMES[0], heartbeat(1), OTHERS[1], OUTCOMES[1]]
    assert left(items, toronto=9.0) == (2, [OTHERS[0], OTHERS[1], OUTCOMES[1]])
    assert left(items, ottawa=9.0) == (0, items)
    assert left(items) == (0, items)


def test_what_is_appended_while_it_is_looked_through_stays() -> None:
    encoded = [encode_item(item) for item in (OUTCOMES[0], heartbeat(1))]
    late = encode_item(OUTCOMES[1])

    class Late(dict[str, object]):
        def get(self, *_: object) -> object:
            if late not in encoded:
                encoded.append(late)
            return START + 9 * SECOND

    assert drop_committed(encoded, Late(toronto=1)) == 2  # type: ignore[arg-type]  # a mapping that another thread is beside
    assert encoded == [late]


def test_the_items_of_a_record_go_back_to_the_buffer_as_they_were_offered() -> None:
    encoded = [encode_item(item) for item in (*OUTCOMES, heartbeat(1), *OTHERS)]
    outbox, waiting = Outbox(None, RING), [*encoded]
    outbox.begin_term(0, "", "token")
    assert outbox.append(waiting, 0.0)
    waiting.append(encode_item(heartbeat(2)))
    assert (outbox.retire(waiting), waiting) == (0, [*encoded, encode_item(heartbeat(2))])
