"""The public's callers, played by sipp: a SIP side that is independent of the lab's own.

One process a behaviour. Each of its calls is a row of a CSV file and begins after a pause of its own. The events
and their times are read from sipp's log of short messages.

    calls ──▶ rows, one file a behaviour ──▶ sipp ── SIP, RTP ──▶ exchange
      ▲                                       │
      └─────────── log of messages ◀──────────┘
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.lab.folder import folder
from tests.lab.media import recording
from tests.lab.model import LabCaller, PlayedSituation
from tests.lab.place import Place
from tests.lab.presented import identity, route, shown
from tests.lab.processes import real_time
from tests.lab.sipp_scripts import FIELDS, KEY_SECONDS, OPTIONS, SECONDS_BEFORE_KEY, VOICE, script
from tests.lab.site import HOME, TRUNK_ADDRESS

BEHAVIOURS = {
    (): "waits",
    ("hang_up",): "talks",
    ("speak", "hang_up"): "speaks",
    ("press", "hang_up"): "presses",
    ("speak", "press", "hang_up"): "presses-and-speaks",
}
SECONDS_OF_VOICE = 60
SECONDS_TO_START = 1.0  # from writing the rows to the first call
LONGEST_CALL = 150
# A busy machine must not make sipp give up: its watchdog may trigger any number of times.
PATIENT = ("-watchdog_minor_maxtriggers", "100000", "-watchdog_major_maxtriggers", "100000")


def behaviour(caller: LabCaller) -> str | None:
    """The script that plays this caller; None if sipp cannot play it."""
    does = tuple(step.do for step in caller.steps)
    if caller.phone is not None or caller.by_desk:
        return None  # staff: their phones register, hold, transfer; the desk is no caller
    if caller.gives_up is not None:
        return None if does else "gives-up"
    if {"speak", "press"} & set(does) and not (_may_make_sound() and _as_sipp_can(caller)):
        return None
    return BEHAVIOURS.get(does)


def _as_sipp_can(caller: LabCaller) -> bool:
    """Whether it speaks until it hangs up, and presses one key only, which is not its first action."""
    ends = caller.steps[-1].at
    for step in caller.steps:
        if step.do == "speak" and not (step.at == 0 and ends <= float(step.what) <= SECONDS_OF_VOICE):
            return False
        if step.do == "press" and not (len(step.what) == 1 and step.at >= SECONDS_BEFORE_KEY):
            return False
    return True


def _may_make_sound() -> bool:
    """sipp sends its sound by a raw socket, which not every container allows."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except PermissionError:
        return False
    return True


@dataclass
class _Process:
    name: str
    calls: list[tuple[float, PlayedSituation]]
    running: asyncio.subprocess.Process | None = None


class Sipp:
    """These calls, each with the seconds after which it begins."""

    def __init__(self, port: int, calls: Sequence[tuple[float, PlayedSituation]]) -> None:
        self._port = port
        self._folder = folder("22")  # sipp's, for every Asterisk version
        by_name: dict[str, list[tuple[float, PlayedSituation]]] = defaultdict(list)
        for begins, call in calls:
            name = behaviour(call.situation.caller)
            assert name is not None, f"sipp cannot play {call.situation.name}"
            call.played_by = "sipp"
            by_name[name].append((begins, call))
        self._processes = [_Process(name, some) for name, some in by_name.items()]

    async def perform(self, origin: float) -> None:
        """Play them all; ``origin``, on the loop's clock, is second 0."""
        self._place = Place(self._folder, "sipp")
        try:
            (self._place.path / VOICE).write_bytes(recording(SECONDS_OF_VOICE))
            for process in self._processes:
                await self._start(process, origin)
            await asyncio.gather(*(self._finish(process) for process in self._processes))
        finally:
            await self._end()
            for process in self._processes:
                if process.running is not None:
                    calls = [call for _, call in process.calls]
                    read(self._text(f"{process.name}.log"), calls, process.running.pid)
            self._place.leave()

    async def _start(self, process: _Process, origin: float) -> None:
        wait = origin - asyncio.get_running_loop().time()
        rows = [row(call, begins + wait) for begins, call in process.calls]
        (self._place.path / f"{process.name}.xml").write_text(script(process.name))
        (self._place.path / f"{process.name}.csv").write_bytes(
            "".join(f"{line}\n" for line in ("SEQUENTIAL", *rows)).encode("latin-1")
        )
        # setpriv: if this process is killed, sipp ends too.
        command = ["setpriv", "--pdeathsig", "KILL", *real_time(), "chroot", str(self._folder)]
        command += ["env", "-C", f"/{self._place.path.relative_to(self._folder)}", "TERM=dumb", "sipp"]
        with (self._place.path / f"{process.name}.out").open("wb") as out:
            process.running = await asyncio.create_subprocess_exec(
                *command,
                *self._arguments(process),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _arguments(self, process: _Process) -> list[str]:
        name, many = process.name, str(len(process.calls))
        last = max(begins for begins, _ in process.calls)
        return [
            f"{HOME}:{self._port}",
            *("-sf", f"{name}.xml", "-inf", f"{name}.csv"),
            *("-i", TRUNK_ADDRESS, "-mi", TRUNK_ADDRESS),
            *("-m", many, "-l", many, "-r", "1000"),  # all at once: each row has its own pause
            *("-timeout", f"{last + LONGEST_CALL:.0f}s", "-nostdin", "-f", "60"),
            *("-cid_str", "%u@%s-%p"),
            *("-trace_shortmsg", "-shortmessage_file", f"{name}.log"),
            *("-trace_err", "-error_file", f"{name}.err"),
            *OPTIONS.get(name, ()),
            *PATIENT,
        ]

    async def _finish(self, process: _Process) -> None:
        assert process.running is not None
        code = await process.running.wait()
        trouble = self._text(f"{process.name}.err")
        if not 0 <= code < 100:  # codes below 100 give the calls' results, which the log reports
            said = trouble or self._text(f"{process.name}.out")
            raise RuntimeError(f"sipp as {process.name} ended with {code}: {said.strip()[-400:]}")
        for line in trouble.splitlines():
            if found := re.search(rf"Call-I[dD]:? ?'?{call_id(process.running.pid)}", line):
                process.calls[int(found.group(1)) - 1][1].trouble.append(line.partition(": ")[2])

    async def _end(self) -> None:
        for process in self._processes:
            if process.running is not None:
                with suppress(ProcessLookupError):
                    process.running.kill()
                await process.running.wait()

    def _text(self, name: str) -> str:
        path = self._place.path / name
        return path.read_text(encoding="latin-1") if path.exists() else ""


def row(call: PlayedSituation, begins: float) -> str:
    """A line of the CSV file: this caller's columns."""
    caller = call.situation.caller
    key = next((step for step in caller.steps if step.do == "press"), None)
    rest = caller.gives_up if caller.gives_up is not None else caller.steps[-1].at if caller.steps else 0.0
    key_at = key.at - SECONDS_BEFORE_KEY if key else 0.0
    asserted = identity(call)
    columns = {
        "begins": _ms(begins),
        "dialled": call.dialled,
        "user": call.caller,
        "shown": shown(call),
        # An empty line would end the headers, so each header has a value.
        "route": f"X-Lab-Route: {route(call)}",
        "privacy": f"Privacy: {'id' if caller.withheld else 'none'}",
        "identity": f"P-Asserted-Identity: {asserted}" if asserted else "X-Lab-Identity: none",
        "key_at": _ms(key_at),
        "key": key.what if key else "",
        "rest": _ms(rest - (key_at + KEY_SECONDS if key else 0.0)),
    }
    return ";".join(columns[name] for name in FIELDS)


def _ms(seconds: float) -> str:
    return str(round(max(seconds, 0.0) * 1000))


def call_id(pid: int) -> str:
    """The Call-IDs of one sipp, as a pattern. Another's late messages may reach a port that it had before."""
    return rf"(\d+)@{re.escape(TRUNK_ADDRESS)}-{pid}\b"


def read(log: str, calls: Sequence[PlayedSituation], pid: int) -> None:
    """Store the events of sipp's log in its calls. A call's number is its row."""
    own = re.compile(call_id(pid))
    for line in log.splitlines():
        parts = line.split("\t")
        if len(parts) < 7 or not (found := own.match(parts[4])):
            continue
        call = calls[int(found.group(1)) - 1]
        call.call_id = parts[4]
        _message(call, float(parts[2]), parts[3] == "S", parts[5].split()[-1], parts[6])
    for call in calls:
        if call.ended is None:
            call.fault = " / ".join(["sipp saw no end of it", *call.trouble])


def _message(call: PlayedSituation, at: float, sent: bool, method: str, first_line: str) -> None:
    answer = re.match(r"SIP/2\.0 (\d+)", first_line)
    if sent and not answer:
        if method == "INVITE":
            call.invited = call.invited or at
        elif method in ("BYE", "CANCEL"):
            call.ended_by = call.ended_by or "caller"
            call.ended = call.ended or (at if method == "BYE" else None)
    elif not sent and answer and method == "INVITE":
        _on_answer(call, at, int(answer.group(1)))
    elif not sent and method == "BYE" and not answer:
        call.ended, call.ended_by = call.ended or at, call.ended_by or "exchange"


def _on_answer(call: PlayedSituation, at: float, code: int) -> None:
    if 100 < code < 200:
        call.progress.append((at, code))
    elif 200 <= code < 300:
        call.answered = call.answered or at
    elif code >= 300 and call.ended is None:
        call.refused, call.ended, call.ended_by = code, at, call.ended_by or "exchange"


def at_once(calls: Iterable[PlayedSituation]) -> int:
    """The largest number of calls up or ringing at the same time."""
    moments = [(call.invited, 1) for call in calls] + [(call.ended or call.invited, -1) for call in calls]
    up = most = 0
    for _, change in sorted(moments):
        up += change
        most = max(most, up)
    return most
