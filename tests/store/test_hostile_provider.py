"""An identity provider whose answers have no end, or are slow, too deep, or of types that nobody expects."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callmon.store.database import Database
from callmon.web.auth import oidc
from callmon.web.auth.middleware import AccessMiddleware
from tests.store.test_oidc import begun, done, gate, gate_for, one_provider, provider  # noqa: F401  fixtures
from tests.support.hostile_peer import HostilePeer, dripping, flooding, growth_at_most, silent
from tests.support.oidc_provider import Claims, Provider
from tests.support.store_fixtures import until
from tests.support.web_client import Visitor

pytestmark = pytest.mark.usefixtures("quick_passwords")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BOMB = gzip.compress(b'{"a": "' + b"x" * 60_000_000 + b'"}', 6)  # 60 KB
Act = Callable[[socket.socket], None]


def answering(head: bytes, last: Act) -> Act:
    def act(wire: socket.socket) -> None:
        wire.recv(65536)
        wire.sendall(head)
        last(wire)

    return act


def sent_to(act: Act, store: Database, tmp_path: Path) -> int:
    """The status of the page that leads to a provider that does this."""
    with HostilePeer(act) as peer:
        there = cast(Provider, SimpleNamespace(url=f"http://127.0.0.1:{peer.port}"))
        visitor = Visitor(gate_for(there, store, tmp_path))
        visitor.get("/en/sign-in")  # all modules are imported
        with growth_at_most():
            return visitor.get("/en/sign-in/service").status_code


@pytest.mark.parametrize(
    "act",
    [
        answering(HEAD + b"\r\n", lambda wire: flooding(wire, b'{"a": ')),
        answering(HEAD + b"X-A: ", lambda wire: flooding(wire, b"x")),
        answering(HEAD + b"Content-Encoding: gzip\r\n\r\n", lambda wire: wire.sendall(BOMB)),
        answering(HEAD + b"\r\n", lambda wire: wire.sendall(b"[" * 100_000)),
        answering(HEAD + b"\r\n", lambda wire: wire.sendall(b'{"issuer": ' + b"9" * 100_000 + b"}")),
    ],
    ids=["endless", "endless header", "compressed", "deep", "long number"],
)
def test_an_answer_that_is_too_much_is_a_refused_sign_in(act: Act, sqlite_store: Database, tmp_path: Path) -> None:
    assert sent_to(act, sqlite_store, tmp_path) == 403


@pytest.mark.parametrize("act", [silent, answering(HEAD + b"\r\n", dripping(b" "))], ids=["silent", "slow"])
def test_a_provider_that_takes_its_time_is_left_when_the_time_is_over(
    act: Act, sqlite_store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "SECONDS", 1.0)
    assert sent_to(act, sqlite_store, tmp_path) == 403


@pytest.mark.parametrize("act", [silent, answering(HEAD + b"\r\n", dripping(b" "))], ids=["silent", "slow"])
def test_a_sign_in_that_took_too_long_leaves_no_connection_open(
    act: Act, sqlite_store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two limits, the later one ends while httpx closes the connection: it stays open, and counts as in use."""
    later, limit = count(0.05, 0.001), asyncio.timeout
    monkeypatch.setattr(asyncio, "timeout", lambda x: limit(next(later) if x == oidc.SECONDS else x))
    with HostilePeer(act) as peer:
        there = cast(Provider, SimpleNamespace(url=f"http://127.0.0.1:{peer.port}"))
        visitor = Visitor(gate_for(there, sqlite_store, tmp_path))
        assert [visitor.get("/en/sign-in/service").status_code for _ in range(20)] == [403] * 20
        assert until(lambda: peer.closed == peer.connections == 20)


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("act", [silent, answering(HEAD + b"\r\n", dripping(b" "))], ids=["silent", "slow"])
def test_an_endpoint_that_takes_its_time_is_left_when_the_time_is_over(
    gate: AccessMiddleware,  # noqa: F811
    provider: Provider,  # noqa: F811
    endpoint: str,
    act: Act,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oidc, "SECONDS", 1.0)
    with HostilePeer(act) as peer:
        provider.metadata = {endpoint: f"http://127.0.0.1:{peer.port}/"}
        visitor = Visitor(gate)
        assert (done(visitor).status_code, visitor.get("/fr/who").text) == (403, ": ")
        assert peer.connections == 1


async def asked_at_once(
    peer: HostilePeer, most: int, asked: Iterable[tuple[Visitor, str]]
) -> tuple[int, list[int]]:
    """The connections to the provider while all of them wait for it, and the statuses of their answers."""
    answers = [asyncio.create_task(visitor.sent("GET", path)) for visitor, path in asked]
    while peer.connections < most and not all(x.done() for x in answers):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    connections = peer.connections
    return connections, [x.status_code for x in await asyncio.gather(*answers)]


def test_of_twenty_sign_ins_one_asks_a_silent_provider_for_itself(
    sqlite_store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "SECONDS", 3.0)
    with HostilePeer(silent) as peer:
        there = cast(Provider, SimpleNamespace(url=f"http://127.0.0.1:{peer.port}"))
        one_gate = gate_for(there, sqlite_store, tmp_path)
        asked = [(Visitor(one_gate), "/en/sign-in/service") for _ in range(20)]
        assert asyncio.run(asked_at_once(peer, 1, asked)) == (1, [403] * 20)


def test_of_twenty_returned_sign_ins_four_ask_for_a_token_at_once(
    gate: AccessMiddleware,  # noqa: F811
    provider: Provider,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oidc, "SECONDS", 3.0)
    with HostilePeer(silent) as peer:
        provider.metadata = {"token_endpoint": f"http://127.0.0.1:{peer.port}/"}
        asked = [(visitor, begun(visitor)) for visitor in (Visitor(gate) for _ in range(20))]
        assert asyncio.run(asked_at_once(peer, 4, asked)) == (4, [403] * 20)


@pytest.mark.parametrize(
    "metadata",
    [
        {"id_token_signing_alg_values_supported": 5},
        {"id_token_signing_alg_values_supported": {"RS256": 1}},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"id_token_signing_alg_values_supported": [["RS256"]]},
        {"token_endpoint_auth_methods_supported": 5},
    ],
    ids=json.dumps,
)
def test_metadata_of_other_types_or_algorithms_sign_nobody_in(
    gate: AccessMiddleware,  # noqa: F811
    provider: Provider,  # noqa: F811
    metadata: Claims,
) -> None:
    provider.metadata = metadata
    visitor = Visitor(gate)
    assert (done(visitor).status_code, visitor.get("/fr/who").text) == (403, ": ")


@pytest.mark.sampled(6)
@pytest.mark.parametrize("value", [5, -1e999, [[]], "x" * 10_000], ids=["5", "infinite", "list", "long"])
@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "nonce", "at_hash", "azp", "preferred_username"])
def test_a_claim_of_another_type_is_never_an_internal_error(
    gate: AccessMiddleware,  # noqa: F811
    provider: Provider,  # noqa: F811
    claim: str,
    value: Any,
) -> None:
    provider.spoil = lambda claims: claims | {claim: value}
    provider.claims = {name: x for name, x in provider.claims.items() if name != claim}
    assert done(Visitor(gate)).status_code in (303, 403)
