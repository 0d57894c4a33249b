"""The queue before the password check, beside a flood: each network has its share, known browsers go first."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from callmon.config.web import AccessSettings
from callmon.store.database import Database
from callmon.web.auth import basic
from callmon.web.auth.basic import BasicAuth
from callmon.web.auth.client import ClientInfo, by_network
from callmon.web.auth.fair_queue import MOST_WAITING, FairQueue, TooManyError
from callmon.web.auth.service import FREE, AccessService, Tried
from tests.support.sign_in_app import PASSWORD, with_accounts

STRANGERS = 14  # more than there are places
ROUND_TRIP_SECONDS = 0.005  # a browser that tries again at once; without it, the loop would have no other work

pytestmark = pytest.mark.usefixtures("quick_passwords")


async def queued(queue: FairQueue, *wanted: tuple[str, bool]) -> list[str]:
    """Who is served while all these want a turn, in which order; each stays until all have asked."""
    served: list[str] = []
    asked = asyncio.Event()

    async def one(network: str, is_known: bool) -> None:
        try:
            async with queue.turn(network, is_known):
                await asked.wait()
                served.append(network)
        except TooManyError:
            pass

    tasks = []
    for network, is_known in wanted:
        tasks.append(asyncio.create_task(one(network, is_known)))
        await asyncio.sleep(0)
    asked.set()
    await asyncio.gather(*tasks)
    return served


async def test_a_network_that_takes_all_places_gives_one_to_each_newcomer() -> None:
    greedy = [("a", False)] * 30
    served = Counter(await queued(FairQueue(), *greedy, ("b", False), ("c", False), ("b", False)))
    assert served == {"a": 1 + MOST_WAITING - 3, "b": 2, "c": 1}


FEW = [f"f{n}" for n in range(MOST_WAITING)]


@pytest.mark.parametrize(
    ("turns", "newcomer", "served"),
    [
        (FEW, "new", [*FEW[:-1], "new"]),
        (["new", *FEW], "new", [*FEW[:-1], "new"]),
        ([*FEW, "new"], "new", FEW),
        ([], "new", FEW),
        (FEW[1:3], "new", [FEW[0], FEW[1], *FEW[3:], "new"]),
        (FEW, FEW[0], FEW),
    ],
    ids=["never seen", "longest ago", "latest", "all are new", "some are new", "has a place"],
)
async def test_a_few_networks_that_return_at_once_keep_no_newcomer_out(
    turns: list[str], newcomer: str, served: list[str]
) -> None:
    queue = FairQueue()
    for network in turns:
        async with queue.turn(network):
            pass
    wanted = [(network, False) for network in ("first", *FEW, newcomer)]
    assert await queued(queue, *wanted) == ["first", *served]


async def test_known_browsers_go_first_though_all_places_are_taken() -> None:
    strangers = [(f"s{n}", False) for n in range(30)]
    served = await queued(FairQueue(), *strangers, ("k", True), ("k", True))
    assert served == ["s0", "k", "k", *(f"s{n}" for n in range(1, MOST_WAITING + 1))]


async def test_who_leaves_the_queue_or_fails_in_its_turn_holds_nobody_up() -> None:
    queue = FairQueue()
    async with queue.turn("a"):
        leaving = asyncio.create_task(queue.turn("b").__aenter__())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    with pytest.raises(ValueError, match="planted"):
        async with queue.turn("c"):
            raise ValueError("planted")
    async with asyncio.timeout(5), queue.turn("d"):
        assert await queued(queue) == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.0.0/16"),
        ("::ffff:192.0.2.77", "192.0.0.0/16"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("64:ff9b::c000:24d", "192.0.0.0/16"),
        ("", ""),
    ],
)
def test_an_address_belongs_to_a_network(address: str, network: str) -> None:
    assert by_network(address) == network


def at(address: str) -> ClientInfo:
    return ClientInfo(address, False, False, False, frozenset())


class QueueSite:
    """The accounts, at a time of the test."""

    def __init__(self, store: Database) -> None:
        self.clock = 0.0
        self.is_full = asyncio.Event()  # a stranger of the flood has found no place
        settings = AccessSettings(accounts=True)
        now = datetime(2026, 11, 24, 13, tzinfo=UTC)
        self.service = AccessService(settings, with_accounts(store), lambda: now, lambda: self.clock)

    async def tried(self, name: str, password: str, address: str, device: str = "") -> Tried | None:
        """None: no place."""
        try:
            return await self.service.try_password(name, password, at(address), device)
        except TooManyError:
            return None

    async def flood(self, over: asyncio.Event) -> None:
        """Strangers of many networks, each of whom tries again as soon as the answer is there."""
        number = 0

        async def stranger() -> None:
            nonlocal number
            while not over.is_set():
                number += 1
                if await self.tried(f"x{number}", "wrong", f"2001:db8:{number % 65536:x}::1") is None:
                    self.is_full.set()
                await asyncio.sleep(ROUND_TRIP_SECONDS)

        await asyncio.gather(*(stranger() for _ in range(STRANGERS)))


async def test_a_known_browser_signs_in_at_each_try_beside_many_networks(sqlite_store: Database) -> None:
    site, over = QueueSite(sqlite_store), asyncio.Event()
    first = await site.tried("agent", PASSWORD, "198.51.100.7")
    assert first is not None
    flood = asyncio.create_task(site.flood(over))
    await site.is_full.wait()
    device, results = first.device, []
    for _ in range(10):
        tried = await site.tried("agent", PASSWORD, "198.51.100.7", device)
        results.append(tried is not None and bool(tried.cookie))
        device = tried.device if tried is not None and tried.device else device
    over.set()
    await flood
    assert results == [True] * 10


async def test_who_found_no_place_has_not_tried(sqlite_store: Database) -> None:
    site, over = QueueSite(sqlite_store), asyncio.Event()
    flood = asyncio.create_task(site.flood(over))
    await site.is_full.wait()
    tries = [await site.tried("agent", PASSWORD, "198.51.100.7") for _ in range(10 * FREE)]
    over.set()
    await flood
    assert [x for x in tries if x is not None and not x.cookie] == []
    last = await site.tried("agent", PASSWORD, "198.51.100.7")
    assert last is not None
    assert last.cookie


async def test_a_hundred_tries_at_once_count_as_a_hundred(sqlite_store: Database) -> None:
    site = QueueSite(sqlite_store)
    tries = await asyncio.gather(*(site.tried("agent", "wrong", "198.51.100.7") for _ in range(100)))
    compared = [x for x in tries if x is not None and not x.wait]
    assert len(compared) == FREE


async def test_other_names_that_were_never_compared_make_no_account_forgotten(sqlite_store: Database) -> None:
    site = QueueSite(sqlite_store)
    for _ in range(FREE):
        await site.tried("agent", "wrong", "198.51.100.7")
    async with site.service._queue.turn("busy"):
        waiting = [asyncio.create_task(site.tried(f"x{n}", "wrong", f"2001:db8:{n:x}::1")) for n in range(12_000)]
        await asyncio.sleep(0.5)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    tried = await site.tried("agent", PASSWORD, "203.0.113.7")
    assert tried is not None
    assert tried.wait > 0


# The users of /metrics.


def header(name: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def hashed(password: str, cost: int) -> str:
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


async def test_beside_wrong_passwords_the_right_one_is_admitted_at_once() -> None:
    users, over = BasicAuth(), asyncio.Event()
    users.configure({"prometheus": hashed("right", 10)})

    async def stranger() -> None:
        while not over.is_set():
            await users.admits(header("prometheus", "wrong"), "203.0.113.7")
            await asyncio.sleep(0)

    flood = [asyncio.create_task(stranger()) for _ in range(45)]
    await asyncio.sleep(0.3)
    async with asyncio.timeout(30):
        assert await users.admits(header("prometheus", "right"), "192.0.2.4") is True
    over.set()
    await asyncio.gather(*flood)


async def test_of_many_wrong_passwords_at_once_one_is_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import bcrypt

    users, right = BasicAuth(), bcrypt.checkpw
    running = list[bytes]()
    at_once = set[int]()
    users.configure({"prometheus": hashed("right", 4)})

    def counted(password: bytes, kept: bytes) -> bool:
        running.append(password)
        at_once.add(len(running))
        time.sleep(0.02)
        running.pop()
        return right(password, kept)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    given = header("prometheus", "wrong")
    reported = await asyncio.gather(*(users.admits(given, f"203.0.113.{n}") for n in range(8)))
    assert (reported, at_once) == ([False] * 8, {1})


async def test_a_verified_password_is_known_after_a_reload_that_keeps_its_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users, kept = BasicAuth(), hashed("right", 10)
    users.configure({"prometheus": kept})
    assert await users.admits(header("prometheus", "right"), "192.0.2.4") is True
    users.configure({"prometheus": kept, "other": hashed("x", 10)})
    monkeypatch.setattr(basic, "_is_password", lambda *_: pytest.fail("compared again"))
    assert await users.admits(header("prometheus", "right"), "192.0.2.4") is True


def work(users: dict[str, str], name: str) -> int:
    """The rounds of bcrypt that a wrong password of this name takes."""
    import bcrypt

    rounds, right = 0, bcrypt.checkpw

    def counted(password: bytes, kept: bytes) -> bool:
        nonlocal rounds
        rounds += 1 << int(kept.split(b"$")[2])
        return right(password, kept)

    auth = BasicAuth()
    auth.configure(users)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bcrypt, "checkpw", counted)
        assert asyncio.run(auth.admits(header(name, "wrong"), "192.0.2.4")) is False
    return rounds


def test_a_wrong_password_takes_one_time_whatever_name_and_hash() -> None:
    users = {"ten": hashed("a", 10), "twelve": hashed("b", 12), "four": hashed("c", 4)}
    assert {work(users, name) for name in (*users, "nobody")} == {1 << 12}
