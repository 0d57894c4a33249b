"""What whoever keeps callmon running looks after: clocks, certificates, disks and the journal, shown and said."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from callmon.ami.connection import ExchangeClient
from callmon.config.exchange import ExchangeSettings
from callmon.core.snapshot import DiskSpace, HostStatus
from callmon.daemon import host_state
from callmon.store.database import Database
from callmon.store.writer.outbox import Outbox
from callmon.store.writer.writer import Writer
from tests.store.test_outbox import left_by_earlier
from tests.store.test_store_trouble import locked
from tests.support.ami_builders import BANNER
from tests.support.store_fixtures import RING, SOON, START, Daemon, of_calls, seconds, until
from tests.unit.test_metrics import page, read


def test_all_of_it_is_on_metrics_and_nothing_that_is_not_known() -> None:
    reported = HostStatus(
        {"toronto": -0.25},
        {"toronto": START},
        {"database": DiskSpace(10, 100), "journal": DiskSpace(20, 100)},
        (5, 50, 3),
    )
    values = read(page(Daemon(more={"host": reported}), {}))
    shown = {
        (name, *dict(labels).values()): value
        for (name, labels), value in values.items()
        if "disk" in name or "journal" in name or "skew" in name or "certificate" in name
    }
    assert shown == {
        ("callmon_exchange_clock_skew_seconds", "toronto"): -0.25,
        ("callmon_exchange_certificate_expires_timestamp_seconds", "toronto"): START.timestamp(),
        ("callmon_disk_free_bytes", "database"): 10,
        ("callmon_disk_free_bytes", "journal"): 20,
        ("callmon_disk_size_bytes", "database"): 100,
        ("callmon_disk_size_bytes", "journal"): 100,
        ("callmon_sink_journal_bytes", "database"): 5,
        ("callmon_sink_journal_limit_bytes", "database"): 50,
        ("callmon_sink_journal_outcomes", "database"): 3,
    }
    nothing = read(page(Daemon(), {}))
    assert [name for name, _ in nothing if "disk" in name or "journal" in name or "skew" in name] == []


@contextmanager
def writing(store: Database, folder: Path, most: int = 1 << 20) -> Iterator[Writer]:
    sink = Writer(store, seconds(0.01), max_waiting=500, outbox=Outbox(folder / "waiting", RING, most))
    try:
        yield sink
    finally:
        sink.close(SOON)


def test_disks_are_those_of_the_database_and_of_the_outbox(sqlite_store: Database, tmp_path: Path) -> None:
    with writing(sqlite_store, tmp_path) as sink:
        found = dict(host_state.disks(sink))
    reported = os.statvfs(tmp_path)
    assert {name: room.size for name, room in found.items()} == dict.fromkeys(
        ("database", "journal"), reported.f_blocks * reported.f_frsize
    )
    assert 0 < found["database"].free <= found["database"].size


def test_free_space_is_what_callmon_may_use_and_not_what_root_may(
    sqlite_store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = os.statvfs_result(
        (4096, 4096, 1000, 300, 250, 0, 0, 0, 0, 255)
    )  # 300 blocks are free, 50 of them root's
    with writing(sqlite_store, tmp_path) as sink:
        monkeypatch.setattr(os, "statvfs", lambda path: reported)
        found = dict(host_state.disks(sink))
    assert {name: (room.free, room.size) for name, room in found.items()} == dict.fromkeys(
        ("database", "journal"), (250 * 4096, 1000 * 4096)
    )


CLOCKS = {
    5.0: None,
    -5.0: None,
    5.5: "is 6 s ahead of callmon's",
    60.0: "is 60 s ahead of callmon's",
    -3600.2: "is 3600 s behind callmon's",
}


def test_a_clock_that_differs_by_more_than_five_seconds_is_remarked(
    sqlite_store: Database, tmp_path: Path
) -> None:
    with writing(sqlite_store, tmp_path) as sink:
        reported = {skew: host_state.host_remarks({"toronto": skew}, sink, is_wanted=True) for skew in CLOCKS}
    assert reported == {skew: clock_remarks(skew, said) for skew, said in CLOCKS.items()}


def clock_remarks(skew: float, said: str | None) -> list[str]:
    if said is None:
        return []
    remark = (
        f"The clock of the exchange toronto {said}: the times of calls and due times follow the exchange's "
        "clock. Synchronise both with a time server."
    )
    return [remark + " Until they agree, callbacks fall due only when both clocks say so." * (abs(skew) > 60)]


def test_what_waits_in_the_outbox_is_a_remark_and_a_full_one_trouble(
    sqlite_store: Database, tmp_path: Path
) -> None:
    reported = of_calls(20)
    place = tmp_path / "waiting"
    with writing(sqlite_store, tmp_path, most=10_000) as sink, locked(sqlite_store):
        assert (host_state.host_remarks({}, sink, True), host_state.outbox_troubles(sink)) == ([], [])
        for item in reported:
            sink.offer(item)
            if (state := sink.outbox) is not None and state.trouble:
                break
            until(lambda: (sink.outbox or pytest.fail("none")).outcomes > 0)
        assert until(lambda: bool(host_state.outbox_troubles(sink)))
        state = sink.outbox
        assert state is not None
        assert until(lambda: bool(host_state.host_remarks({}, sink, True)))
        assert host_state.host_remarks({}, sink, True) == [
            f"database: {state.outcomes} outcomes are buffered in the journal {place} (0 of 0 MiB) "
            "until the database is available."
        ]
        assert host_state.outbox_troubles(sink) == [
            f"database: the journal {place} is full (0 MiB): outcomes are buffered in memory. At 500 outcomes "
            "callmon stops reading events. Restore the database, or free disk space."
        ]


def test_an_outbox_that_was_damaged_is_remarked_with_its_copy(sqlite_store: Database, tmp_path: Path) -> None:
    place = tmp_path / "waiting"
    left_by_earlier(tmp_path, of_calls(1), of_calls(1), number=5)
    place.write_bytes(b"\0" + place.read_bytes()[1:])
    with writing(sqlite_store, tmp_path) as sink:
        assert host_state.host_remarks({}, sink, True) == [
            f"database: the journal {place} was damaged in 1 places when callmon started. The outcomes there are "
            f"lost; {place}-damaged has the file as it was."
        ]


def test_an_outbox_that_cannot_be_used_is_remarked_where_one_is_wanted(sqlite_store: Database) -> None:
    sink = Writer(sqlite_store, seconds(0.01))
    try:
        assert host_state.host_remarks({}, sink, is_wanted=False) == []
        assert host_state.host_remarks({}, sink, is_wanted=True) == [
            "database: the journal cannot be used, so an outage would buffer outcomes in memory only; see the log."
        ]
    finally:
        sink.close(SOON)


# ── the certificate ──


@contextmanager
def over_tls(certificate: trustme.LeafCert) -> Iterator[int]:
    """A server that greets as an exchange does, and no more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            wire, _ = door.accept()
            with context.wrap_socket(wire, server_side=True) as client:
                client.sendall(BANNER)
                client.recv(4096)
                client.recv(4096)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        door.close()
        thread.join(SOON)


async def test_the_end_of_an_exchanges_certificate_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMI_SECRET", "s3cret")
    authority = trustme.CA()
    ends = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with over_tls(authority.issue_cert("127.0.0.1", not_after=ends)) as port:
        reported = ExchangeSettings(
            host="127.0.0.1", port=port, tls=True, ca_file=tmp_path / "ca.pem", secret_env="AMI_SECRET"
        )
        exchange = ExchangeClient("toronto", reported, lambda _: None)
        assert exchange.certificate_expires is None
        link = await exchange.connect()
        link.close()
        await link.ended
    assert exchange.certificate_expires == ends
