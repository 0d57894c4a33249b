"""The jobs of the pages: what takes seconds of a processor runs in a worker process (`main`), so no page blocks.

    job = jobs.start(settings, ReportRequest("2026-10", "pdf", "fr"))   # in the event loop of the daemon
    job.progress               # 0.0 … 1.0, readable at any time
    await job.result()         # then: job.files, or job.failure

Reports and questions have a queue each. One job of a queue runs at a time. A question pauses while a report
waits or runs: the daemon keeps its processor. Finished jobs stay stored for a while, because a page polls
their progress. A question that nobody has asked for within PATIENCE ends.

The worker reads the settings, the request and its limits from standard input. On standard output it writes JSON,
one line for each step, then the bytes of the files. Its unhandled errors go to the standard error of the daemon.

Refuses: more than MOST unfinished jobs of a queue, or MOST_OF_A_PERSON of one person (BusyError). A finished job
older than KEPT is dropped; a younger one only by its own people's later ones.
"""

import asyncio
import errno
import gc
import json
import logging
import os
import pickle
import resource
import secrets
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeAlias, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError

import callmon
from callmon.config.settings import Settings
from callmon.errors import CallmonError, ConfigError, MissingError, NoDataError, StoreError
from callmon.store.database import Database, reason
from callmon.store.pairs.open import open_to_read

log = logging.getLogger(__name__)

# Kinds that the user who started the job can act on: "order", "long", "empty"; the others the administrator.
Kind: TypeAlias = Literal["order", "long", "large", "disk", "database", "missing", "empty", "ended"]
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "53100"  # SQLSTATE of PostgreSQL
FAILS = (CallmonError, SQLAlchemyError, OSError)  # the errors that `classify` classifies
KINDS: tuple[tuple[type[BaseException], Kind], ...] = (
    (ConfigError, "order"),
    (MissingError, "missing"),
    (NoDataError, "empty"),
    (StoreError, "database"),
    (SQLAlchemyError, "database"),
    (BaseException, "ended"),
)
LIMITS = {
    "long": "it was not made within {limit} s; the command may take longer",
    "large": "it needs more than its limit of {limit} MB; the command has no such limit",
}


class JobFailure(msgspec.Struct, frozen=True):
    """Why there is no result. A page states the kind in its own language.

    `message`: English text for the log; it may name files. `limit`: the seconds or megabytes allowed.
    """

    kind: Kind
    message: str
    limit: int = 0


def over_limit(kind: Literal["long", "large"], limit: int) -> JobFailure:
    return JobFailure(kind, LIMITS[kind].format(limit=limit), limit)


def classify(error: BaseException) -> JobFailure:
    """The kind and log text of one of FAILS."""
    message = str(error) if isinstance(error, CallmonError) else reason(error)
    if any(map(_is_full, _chain(error))):
        return JobFailure("disk", message)
    return JobFailure(next(kind for cause, kind in KINDS if isinstance(error, cause)), message)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, the driver error that it wraps, and the cause or context of each."""
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return getattr(error, "sqlstate", None) == DISK_FULL


MOST = 8  # unfinished jobs of a queue; finished ones of a person in a queue
MOST_OF_A_PERSON = 2  # unfinished jobs of a queue
KEPT = 900.0  # seconds since the request
PATIENCE = 30.0  # seconds; a page without scripts is loaded again by a person
SECONDS = 600
MEGABYTES = 2048
AT_MOST = 256 << 20  # bytes, all files together
# A worker gets from the daemon's environment only what Python and the database drivers look for.
PASSED_ON = frozenset(
    ("HOME", "KRB5CCNAME", "KRB5_CONFIG", "LANG", "LD_LIBRARY_PATH", "PATH", "SQLITE_TMPDIR", "TMPDIR", "TZ")
)
# libpq's own (PGPASSFILE, PGSSLROOTCERT …), Python's, the locale.
PASSED_ON_PREFIXES = ("PG", "PYTHON", "LC_", "SSL_CERT_")


class BusyError(Exception):
    """MOST jobs of the queue, or MOST_OF_A_PERSON, are pending or running; a further request must wait."""


class JobRequest(Protocol):
    """What a job makes. Equal requests share one job. It is pickled: the worker imports its class.

    `is_report`: its queue; reports come before questions.
    """

    is_report: ClassVar[bool]

    @property
    def subject(self) -> str:
        """Its name in the log."""

    def make(
        self, store: Database, settings: Settings, progress: Callable[[float], None]
    ) -> Sequence[tuple[Path, bytes]]:
        """The files, in the worker. Raises one of FAILS."""


R = TypeVar("R", bound=JobRequest)


class Job(Generic[R]):
    """One job, identified by an unguessable name, from the request to its files.

    If it cannot be made, nothing is raised: `failure` has the reason, and it is logged. The process ends by itself
    after `seconds`, also if the daemon has exited. Its memory is limited to `megabytes`.

    The settings are sent through standard input, so that no database password is in a command line.
    """

    def __init__(
        self,
        settings: Settings,
        request: R,
        turn: AbstractAsyncContextManager[object],
        seconds: float = SECONDS,
        megabytes: int = MEGABYTES,
        patience: float | None = None,
    ) -> None:
        """The process starts once `turn` is entered. It ends `patience` seconds after the last `ask`."""
        self.request = request
        self.people: set[str] = set()  # who asked for it
        self.name = secrets.token_urlsafe(12)
        self.since = monotonic()
        self.progress = 0.0
        self.files: list[tuple[str, bytes]] = []
        self.failure: JobFailure | None = None
        self._input = pickle.dumps((settings.configuration, settings.source, request, seconds, megabytes))
        self._seconds = seconds
        self._patience = patience
        self._waited_for: asyncio.Timeout | None = None
        self._process: Process | None = None
        self._is_paused = False
        self._task = asyncio.create_task(self._run(turn), name=f"job {request.subject}")

    @property
    def is_done(self) -> bool:
        """Whether it has files or a failure, or was cancelled."""
        return self._task.done()

    async def result(self, within: float | None = None) -> bool:
        """Whether it is done, at the latest after `within` seconds."""
        if not self.is_done:
            await asyncio.wait([self._task], timeout=within)
        return self.is_done

    def ask(self, person: str | None) -> None:
        """Note that somebody waits for it: the time of patience begins again."""
        if person is not None:
            self.people.add(person)
        waited_for = self._waited_for
        if self._patience is not None and waited_for and not (self.is_done or waited_for.expired()):
            waited_for.reschedule(asyncio.get_running_loop().time() + self._patience)

    def pause(self, is_paused: bool) -> None:
        """Stop the process for a while, also if it is to start, or let it continue."""
        self._is_paused = is_paused
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGSTOP if is_paused else signal.SIGCONT)

    def cancel(self) -> None:
        """End the process."""
        self._task.cancel()

    async def _run(self, turn: AbstractAsyncContextManager[object]) -> None:
        try:
            async with asyncio.timeout(self._patience) as self._waited_for, turn:
                await self._make()
        except TimeoutError:
            self.failure = JobFailure("ended", "nobody waited for it")
            log.info("job: %s ended: nobody waited for it", self.request.subject)
            return
        except OSError as error:
            self.failure = JobFailure("ended", f"the process cannot start: {error.strerror}")
        if self.failure is not None:
            log.warning("job: %s failed: %s", self.request.subject, self.failure.message)

    async def _make(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "callmon.web.jobs",
            stdin=PIPE,
            stdout=PIPE,
            env=_environment(os.environ),
        )
        self._process = process
        try:
            self.pause(self._is_paused)
            async with asyncio.timeout(self._seconds):
                await self._follow(process)
        except TimeoutError:
            self.failure = over_limit("long", round(self._seconds))
        except (asyncio.IncompleteReadError, ValueError):
            self.files = []  # the process ended in the middle of its output
        finally:
            await _end(process)
        if not self.files and self.failure is None:
            self.failure = JobFailure("ended", f"the process ended ({process.returncode})")

    async def _follow(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):  # the process ended before it read its input: its output has the reason
            process.stdin.write(self._input)
            await process.stdin.drain()
            process.stdin.close()
        async for line in process.stdout:
            message = json.loads(line)
            self.progress = message.get("progress", self.progress)
            if "failure" in message:
                self.failure = msgspec.convert(message["failure"], JobFailure)
            sizes = message.get("files", ())
            if sum(size for _, size in sizes) > AT_MOST:
                self.failure = over_limit("large", AT_MOST >> 20)
            else:
                self.files += [(name, await process.stdout.readexactly(size)) for name, size in sizes]


async def _end(process: Process) -> None:
    """Kill the process by its PID and wait for it.

    Where asyncio waits for a child in a thread, its own `kill` may collect the exit status before that thread.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()


class Jobs:
    """All jobs of a daemon, running or finished. Use it only in the event loop of the daemon."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job[Any]] = {}
        self._turns = {is_report: asyncio.Semaphore(1) for is_report in (True, False)}
        self._reports = 0  # that wait or run
        self._without_report = asyncio.Event()
        self._without_report.set()

    def get(self, name: str, kind: type[R], person: str | None = None) -> Job[R] | None:
        """The job of this name, if it is of a request of this kind. `person`: their name."""
        self._drop_old()
        found = self._jobs.get(name)
        if found is None or not isinstance(found.request, kind):
            return None
        found.ask(person)
        return found

    def start(self, settings: Settings, request: R, person: str | None = None) -> Job[R]:
        """The stored job of an equal request that did not fail; otherwise a new one.

        `person`: their name. None is callmon itself, which has no limit and is never impatient.
        Raises BusyError.
        """
        self._drop_old()
        same = next((x for x in self._jobs.values() if x.request == request and x.failure is None), None)
        if same is None:
            same = self._new(settings, request, person)
        same.ask(person)
        return same

    def _new(self, settings: Settings, request: R, person: str | None) -> Job[R]:
        queue = [x for x in self._jobs.values() if x.request.is_report == request.is_report]
        unfinished = [x for x in queue if not x.is_done]
        if len(unfinished) >= MOST or sum(person in x.people for x in unfinished) >= MOST_OF_A_PERSON:
            raise BusyError
        self._leave_oldest([x for x in queue if x.is_done and person in x.people], person)
        turn = self._turn_of_report() if request.is_report else self._turn_of_question()
        patience = None if request.is_report or person is None else PATIENCE
        job = Job(settings, request, turn, patience=patience)
        self._jobs[job.name] = job
        return job

    def _leave_oldest(self, finished: Sequence[Job[Any]], person: str | None) -> None:
        """Drops a person's oldest finished job where there are MOST; another person's stays."""
        if person is not None and len(finished) >= MOST:
            finished[0].people.discard(person)
            if not finished[0].people:
                del self._jobs[finished[0].name]

    def jobs_before(self, job: Job[Any]) -> int:
        """How many unfinished jobs come before this one: earlier ones of its queue, for a question all reports."""
        unfinished = [x for x in self._jobs.values() if not x.is_done]
        reports = [x for x in unfinished if x.request.is_report]
        own = [x for x in unfinished if x.request.is_report == job.request.is_report]
        earlier = own.index(job) if job in own else 0
        return earlier if job.request.is_report else earlier + len(reports)

    @asynccontextmanager
    async def _turn_of_report(self) -> AsyncIterator[None]:
        self._reports += 1
        self._pause_questions(True)
        try:
            async with self._turns[True]:
                yield
        finally:
            self._reports -= 1
            if not self._reports:
                self._pause_questions(False)

    @asynccontextmanager
    async def _turn_of_question(self) -> AsyncIterator[None]:
        async with self._turns[False]:
            await self._without_report.wait()
            yield

    def _pause_questions(self, is_paused: bool) -> None:
        (self._without_report.clear if is_paused else self._without_report.set)()
        for job in self._jobs.values():
            if not (job.request.is_report or job.is_done):
                job.pause(is_paused)

    def _drop_old(self) -> None:
        for old in [x for x in self._jobs.values() if x.is_done and monotonic() - x.since > KEPT]:
            del self._jobs[old.name]

    def close(self) -> None:
        """Cancel all jobs, which ends their processes."""
        for job in self._jobs.values():
            job.cancel()


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in ours.items() if k in PASSED_ON or k.startswith(PASSED_ON_PREFIXES)}
    home = str(Path(callmon.__file__).parent.parent)
    path = kept.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": os.pathsep.join([home, path] if path else [home])}


# The worker process.


def main() -> None:
    configuration, source, request, seconds, megabytes = pickle.load(sys.stdin.buffer)  # from the parent process
    gc.freeze()  # what was imported stays: the collector need not scan it again
    set_limits(seconds, megabytes)
    logging.raiseExceptions = False  # without memory, printing a log error may not end
    settings = Settings(configuration, source)
    try:
        with closing(open_to_read(settings.store)) as store:
            files = request.make(store, settings, lambda part: _send(progress=round(part, 3)))
    except (MemoryError, SystemError):  # SystemError: a C library ran out of memory
        _send(failure=over_limit("large", megabytes))
    except FAILS as error:
        _send(failure=classify(error))
    else:
        _send(files=[(path.name, len(data)) for path, data in files])
        for _, data in files:
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def set_limits(seconds: float, megabytes: int) -> None:
    """Limit time and memory, even if the parent exits, and lower the priority so that events come first."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(max(1, round(seconds) + 1))
    # If a sandbox forbids setting the limit, the limits of the sandbox apply.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    with suppress(OSError):
        os.nice(10)


def _send(**message: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
