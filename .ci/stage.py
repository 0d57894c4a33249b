"""Runs stages of the tests: `python .ci/stage.py quick|test|ci|rest …`. The Makefile is its caller.

A stage is a set of lanes that run side by side. A lane is a list of parts that run one after the other. A part is
one command with a log in build/stage. It waits for the parts that it needs. The first part that fails ends the
others, unless CALLMON_KEEP_GOING is set. At the end a table gives the seconds of each part, and of CPU; the last
lines are what pytest says of the failures. The exit status is 1 when any part failed.
"""

# ruff: noqa: T201 - this is a command
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from contain import contain, end_children

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "stage"
SUPPORTED = ("3.14", "3.13", "3.12", "3.11")
SUMMARY = "short test summary info"
LAST_LINES = 12
KEEP_GOING = "CALLMON_KEEP_GOING" in os.environ
# A recording has up to 1,200 pairs of moments, and a situation several recordings: all need four times the CPU.
CUTS = ("--pairs=150", "--takeovers=60")
# Hundreds of processes import callmon: its compiled files are kept, also where the machine says otherwise.
PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}
SHOWN = (
    "-o",
    "verbosity_assertions=2",
    "--durations=10",
    "--durations-min=1",
    *(() if KEEP_GOING else ("--maxfail=3",)),
)
MOST_REASONS = 60
MOST_COLUMNS = 400
SECONDS_TO_END = 20  # of a part that is interrupted; then it is killed
WORKERS = 2 * (os.cpu_count() or 1)  # a test often waits for a process or a lock
NO_SERVER = "not lab and not postgresql and not long"
# What of the tests another Python runs in its turn: all whose result can differ.
WHOLE = ("recordings", "model", "process", "store", "commands", "unit")
# And in each run: that every module is imported, the core on what a real Asterisk said, and one daemon.
BY_PYTHON = ("unit/test_imports.py", "recordings/test_recordings.py", "process/test_daemon_process.py")
# The folders that have tests with servers and with a browser: the others need not be collected.
WITH_SERVERS = ("tests/commands", "tests/process", "tests/real", "tests/unit")
WITH_BROWSER = ("tests/browser",)
COVERAGE = ("--cov", "--cov-context=test", "--cov-report=json:build/stage/coverage.json")
DRAWN_FAULTS = 20


@dataclass
class Part:
    name: str
    command: list[str]
    needs: tuple[str, ...] = ()
    nice: int = 10
    environment: dict[str, str] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None
    failed: bool = False
    is_left_out: bool = False  # or was ended, since another part had failed
    began: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    summary: str = ""

    @property
    def log(self) -> Path:
        return LOGS / (self.name.replace(",", "").replace(" ", "-") + ".log")


class Run:
    """All parts of this run by name, and who may print."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self._terminal = threading.Lock()
        self._began = time.monotonic()
        self._failed = ""  # the part for which the others were ended

    def lanes(self, lanes: list[list[Part]]) -> None:
        """Runs the lanes side by side, and returns when the last one has ended."""
        for part in (part for lane in lanes for part in lane):
            self.parts[part.name] = part
        threads = [threading.Thread(target=self._lane, args=(lane,), daemon=True) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _lane(self, lane: list[Part]) -> None:
        for part in lane:
            needed = [self.parts[name] for name in part.needs]
            for other in needed:
                other.ended.wait()
            failed = [other.name for other in needed if other.failed or other.is_left_out]
            if failed or not self._begin(part):
                part.is_left_out, part.summary = True, f"not run: {', '.join(failed) or self._failed} failed"
            else:
                self._wait(part)
            part.ended.set()

    def _begin(self, part: Part) -> bool:
        """Starts the part, unless another one has failed."""
        with self._terminal:
            if self._failed:
                return False
            print(f"{self._clock()} {part.name}: begins, log in {part.log.relative_to(ROOT)}", flush=True)
            part.began = time.monotonic()
            with part.log.open("wb") as log:
                part.process = subprocess.Popen(
                    ["nice", "-n", str(part.nice), *part.command],
                    cwd=ROOT,
                    env={**os.environ, **PYTHON, **part.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            return True

    def _wait(self, part: Part) -> None:
        assert part.process is not None
        _, status, used = os.wait4(part.process.pid, 0)
        part.process.returncode = os.waitstatus_to_exitcode(status)
        part.seconds = time.monotonic() - part.began
        part.cpu = used.ru_utime + used.ru_stime
        if status != 0 and self._failed:
            part.is_left_out, part.summary = True, f"ended: {self._failed} failed"
            return
        part.failed = status != 0
        self._tell(part)
        if part.failed and not KEEP_GOING:
            self._end_others(part)

    def _tell(self, part: Part) -> None:
        lines = part.log.read_text(encoding="utf-8", errors="replace").splitlines()
        part.summary = lines[-1].strip("= ") if lines else ""
        result = "FAILED" if part.failed else "ended"
        shown = lines if part.failed else _last(lines)
        self._say("\n".join([f"{self._clock()} {part.name}: {result} after {part.seconds:.0f} s", *shown]))

    def _end_others(self, failed: Part) -> None:
        """Ends the parts that run; those that have not begun are not run."""
        with self._terminal:
            self._failed = self._failed or failed.name
        running = [
            part.process for part in self.parts.values() if part.process and part.process.returncode is None
        ]
        for number, seconds in ((signal.SIGINT, SECONDS_TO_END), (signal.SIGKILL, 0)):
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            end = time.monotonic() + seconds
            while time.monotonic() < end and any(process.returncode is None for process in running):
                time.sleep(0.1)

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"== {minutes:02}:{seconds:02}"

    def _say(self, text: str) -> None:
        with self._terminal:
            print(text, flush=True)

    def report(self) -> int:
        """Prints the table; gives the exit status."""
        width = max(map(len, self.parts))
        print(f"\n{'part':{width}}  seconds   CPU s  result")
        for part in self.parts.values():
            result = "FAILED: " if part.failed else ""
            print(f"{part.name:{width}}  {part.seconds:7.0f} {part.cpu:7.0f}  {result}{part.summary[:90]}")
        print(f"{'all of it':{width}}  {time.monotonic() - self._began:7.0f}")
        failed = [part for part in self.parts.values() if part.failed]
        for part in failed:
            print("\n".join([f"\n{part.name}:", *_reasons(part.log)]))
        sys.stdout.flush()
        return int(any(part.failed or part.is_left_out for part in self.parts.values()))


def _reasons(log: Path) -> list[str]:
    """What pytest says of each failure, without the source: a log may have thousands of lines."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    reasons = [line for line in lines if line.startswith(("E  ", "FAILED ", "ERROR "))] or lines[-LAST_LINES:]
    return [line[:MOST_COLUMNS] for line in reasons[-MOST_REASONS:]]


def _last(lines: list[str]) -> list[str]:
    """The end of a log: pytest's summary with its reasons to skip, where it has one."""
    begins = [number for number, line in enumerate(lines) if SUMMARY in line]
    return lines[begins[-1] :] if begins else lines[-LAST_LINES:]


class Stages:
    """The parts of each stage, for the Pythons of this machine."""

    def __init__(self, pythons: list[str]) -> None:
        self.pythons = {_version(python): python for python in pythons}
        self.newest = next(iter(self.pythons))

    def quick(self) -> list[list[Part]]:
        tests = self._tests("unit tests", NO_SERVER, "tests/unit", "tests/model", needs=("install",))
        return [[self._install(self.newest), self._checks()], [tests]]

    def test(self) -> list[list[Part]]:
        real = self._pytest("real Asterisk", "-m", "lab", "tests/real/test_real_calls.py")
        real.nice, real.needs = 0, ("install", "folder of the exchange")
        measured = "CALLMON_COVERAGE" in os.environ
        tests = self._tests("tests", NO_SERVER, *(COVERAGE if measured else ()), needs=("install",))
        return [
            [self._install(self.newest), self._checks()],
            [self._folders("folder of the exchange", "22"), real],
            [tests, self._coverage()] if measured else [tests],
        ]

    def ci(self) -> list[list[Part]]:
        """What `.ci/run` adds to `test`: another Python whole, in turns by the commit; a part of the others."""
        others = [version for version in SUPPORTED if version != self.newest]
        whole = others[_commit() % len(others)]
        print(f"Python {whole} is tested whole: its turn, by the commit.")
        turn = str(_commit())
        return self._beside([self._other(version, is_whole=version == whole) for version in others], turn)

    def rest(self) -> list[list[Part]]:
        """What `test` leaves out."""
        others = [self._other(version) for version in SUPPORTED if version != self.newest]
        return self._beside([*others, [self._drawn_faults()]] if "CALLMON_COVERAGE" in os.environ else others)

    def _beside(self, others: list[list[Part]], turn: str = "") -> list[list[Part]]:
        """The real servers and the browser, which wait a lot, are the longest lanes.

        `turn`: the commit by which tests marked `turns` run a part of their parameters. Empty: all run.
        """
        real = self._pytest(
            "real servers",
            "-m",
            "lab and not browser",
            "--deselect=tests/real/test_real_calls.py",
            *WITH_SERVERS,
        )
        real.command += ["--numprocesses=5", "--dist=loadfile"]
        real.nice = 0
        real.environment = {"CALLMON_FAILOVERS": "6"}
        whole = self._tests("tests, PostgreSQL, all examples", "not lab")
        whole.environment = {"CALLMON_WHOLE": "rest", "CALLMON_TURN": turn}
        seen = self._pytest("browser, paper, containers", "-m", "lab and browser", *WITH_BROWSER)
        seen.nice = 0
        fuzz = Part("fuzz", [self._python(self.newest), "-m", "tests.fuzz", "1", "all", "5"])
        exam = Part("exam", [self._python(self.newest), "-m", "tests.model.exam", *CUTS])
        floors = Part("lowest versions allowed", [".ci/floors", list(self.pythons.values())[-1]])
        pins = Part("pins", [".ci/pins", self._python(self.newest)])
        installed = f"install {self.newest}"
        for part in (real, whole, exam, seen, pins):
            part.needs = (installed,)
        return [
            [self._install(self.newest, installed), real],
            [pins, exam, fuzz, floors, whole, *(part for other in others for part in other)],
            [self._folders("other folders", "16", "browser", "cluster", "mail", "mariadb", "engine"), seen],
        ]

    def _other(self, version: str, is_whole: bool = True) -> list[Part]:
        paths = [f"tests/{path}" for path in (WHOLE if is_whole else BY_PYTHON)]
        if version not in self.pythons:
            return [self._sid(paths)] if version == "3.14" else []
        name = f"install {version}"
        types = Part(f"types of {version}", [self._python(self.newest), "-m", "mypy", "--python-version", version])
        tests = self._tests(f"Python {version}", NO_SERVER, *paths, needs=(name,), version=version)
        return [self._install(version, name), types, tests]

    def _sid(self, paths: list[str]) -> Part:
        """Python 3.14, which this machine does not have, in the folder of Debian sid."""
        workers = (f"--numprocesses={WORKERS}", "--dist=worksteal")
        command = [self._python(self.newest), "-m", "dev.sid_python", *workers, *paths]
        return Part("Python 3.14, in Debian sid", command, needs=(f"install {self.newest}",))

    def _install(self, version: str, name: str = "install") -> Part:
        command = [".ci/venv", self.pythons[version], f".venv-{version}", "requirements-dev.txt"]
        return Part(name, command, nice=0)

    def _checks(self) -> Part:
        return Part(
            "formats, lint, types, contracts", [".ci/checks", self._python(self.newest)], needs=("install",)
        )

    def _coverage(self) -> Part:
        command = [self._python(self.newest), "-m", "dev.coverage_by_package", "build/stage/coverage.json"]
        return Part("coverage", command, needs=("tests",))

    def _drawn_faults(self) -> Part:
        """Other faults for each commit, from what `tests` says of the lines that each test executes."""
        seed = str(_commit() % 1_000_000)
        command = [self._python(self.newest), "-m", "dev.mutations", "try", seed, str(DRAWN_FAULTS)]
        return Part("drawn faults", command, needs=(f"install {self.newest}",))

    def _folders(self, name: str, *folders: str) -> Part:
        return Part(name, [self.pythons[self.newest], "-m", "tests.lab.prepare", *folders], nice=0)

    def _tests(self, name: str, which: str, *options: str, needs: tuple[str, ...] = (), version: str = "") -> Part:
        workers = (f"--numprocesses={WORKERS}", "--dist=worksteal")
        part = self._pytest(name, "-m", which, *workers, *options, version=version)
        part.needs = needs
        return part

    def _pytest(self, name: str, *options: str, version: str = "") -> Part:
        python = self._python(version or self.newest)
        return Part(name, [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SHOWN, *options])

    def _python(self, version: str) -> str:
        return f".venv-{version}/bin/python"


def _version(python: str) -> str:
    reported = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    return ".".join(reported.split()[1].split(".")[:2])


def _commit() -> int:
    """The commit as a number; 0 where git does not know it."""
    command = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return int(done.stdout.strip() or "0", 16)


def main(names: list[str]) -> int:
    found = subprocess.run([".ci/pythons"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        return found.returncode
    stages = Stages(found.stdout.split("\n")[:-1])
    LOGS.mkdir(parents=True, exist_ok=True)
    run = Run()
    for missing in (version for version in SUPPORTED if version not in stages.pythons):
        print(f"Python {missing} is not here: not tested with it.")
    known = {"quick": stages.quick, "test": stages.test, "ci": stages.ci, "rest": stages.rest}
    for name in names:
        run.lanes(known[name]())
    return run.report()


if __name__ == "__main__":
    contain()
    try:
        sys.exit(main(sys.argv[1:]))
    finally:
        end_children()
