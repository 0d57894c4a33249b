"""What people wait for: the start of a command and of the daemon, and the confirmation of a person's command."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.databases import ON_DISK
from bench.exchanges import PATIENCE, exchange
from bench.processes import Child
from bench.table import head, row
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.features.actions import DISRUPTIONS
from callmon.store.database import open_store
from callmon.store.encryption import KeyRing
from tests.support.daemon_process import Callmon

TIMES = 5


class _Front:
    """What a page gives to `Actions.submit`."""

    language = "en"

    async def ask(self, question: Callable[..., Any], *values: Any) -> Any:
        return await asyncio.to_thread(question, *values)


def compare() -> None:
    head("What people wait for, at best", ("seconds", "CPU s"))
    with (
        Child(exchange) as asterisk,
        TemporaryDirectory(dir=ON_DISK) as folder,
        Callmon(Path(folder), asterisk.reported(PATIENCE), "bench") as callmon,
    ):
        for name in ("--version", "status"):
            words = [*callmon.command, name, *(["--config", str(callmon.config)] if name == "status" else [])]
            _tell(f"callmon {name}", min(_of_command(words) for _ in range(TIMES)))
        _tell("a person's command, confirmed", (min(_confirmed(callmon, n) for n in range(TIMES)), None))
        callmon.stop()
        _tell("the daemon, until /metrics", min(_until_metrics(callmon) for _ in range(TIMES)))


def _tell(name: str, spent: tuple[float, float | None]) -> None:
    seconds, cpu = spent
    row(name, (f"{seconds:.2f}", "" if cpu is None else f"{cpu:.2f}"))


def _of_command(words: list[str]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(words, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu


def _confirmed(callmon: Callmon, number: int) -> float:
    """Seconds from a person's command to its confirmation."""
    with closing(open_store(callmon.store, KeyRing([bytes(32)]))) as store:
        now = datetime.now(UTC)
        command = DisruptionCommand(at=now, actor=f"bench {number}", action="announce", lines=("general",))
        began = time.monotonic()
        pending = asyncio.run(DISRUPTIONS.submit(_Front(), store, command))  # type: ignore[arg-type]
        assert pending is None, "the daemon did not apply the command"
        return time.monotonic() - began


def _until_metrics(callmon: Callmon) -> tuple[float, None]:
    began = time.monotonic()
    callmon.start(until_heard=False)
    while callmon.get("/metrics")[0] != 200:
        time.sleep(0.005)
    taken = time.monotonic() - began
    callmon.stop()
    return taken, None
