"""Runs stages of the tests: `python .ci/stage.py quick|test|rest …`. The Makefile and .ci/run are its callers.

A stage is a set of lanes that run side by side. A lane is a list of parts that run one after the other. A part is
one command with a log in build/stage. It waits for the parts that it needs, and is not run where one failed.
At the end a table gives the seconds of each part, and of CPU. The exit status is 1 when any part failed.
"""

# ruff: noqa: T201 - this is a command
from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "stage"
SUPPORTED = ("3.14", "3.13", "3.12", "3.11")
SUMMARY = "short test summary info"
LAST_LINES = 12
# A recording has up to 1,200 pairs of moments, and a situation several recordings: all need four times the CPU.
CUTS = ("--pairs=150", "--takeovers=60")
# Hundreds of processes import callmon: its compiled files are kept, also where the machine says otherwise.
PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}
WHOLE_DIFF = ("-o", "verbosity_assertions=2")
MOST_REASONS, MOST_COLUMNS = 60, 400
WORKERS = 2 * (os.cpu_count() or 1)  # a test often waits for a process or a lock
NO_SERVER = "not lab and not postgresql and not long"
# Folders of tests whose result can differ between Pythons. All else is tested with the newest alone.
BY_PYTHON = dict.fromkeys(("3.13", "3.12"), ("recordings", "model", "process"))
BY_PYTHON["3.14"] = (*BY_PYTHON["3.12"], "store", "commands")
BY_PYTHON["3.11"] = (*BY_PYTHON["3.14"], "unit")
COVERAGE = ("--cov", "--cov-report=json:build/stage/coverage.json")


@dataclass
class Part:
    name: str
    command: list[str]
    needs: tuple[str, ...] = ()
    nice: int = 10
    environment: dict[str, str] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    failed: bool = False
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
            if failed := [other.name for other in needed if other.failed]:
                part.failed, part.summary = True, f"not run: {', '.join(failed)} failed"
            else:
                self._run(part)
            part.ended.set()

    def _run(self, part: Part) -> None:
        self._say(f"{self._clock()} {part.name}: begins, log in {part.log.relative_to(ROOT)}")
        began = time.monotonic()
        with part.log.open("wb") as log:
            command = ["nice", "-n", str(part.nice), *part.command]
            environment = {**os.environ, **PYTHON, **part.environment}
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        part.seconds, part.failed = time.monotonic() - began, status != 0
        part.cpu = used.ru_utime + used.ru_stime
        lines = part.log.read_text(encoding="utf-8", errors="replace").splitlines()
        part.summary = lines[-1].strip("= ") if lines else ""
        result = "FAILED" if part.failed else "ended"
        shown = lines if part.failed else _last(lines)
        self._say("\n".join([f"{self._clock()} {part.name}: {result} after {part.seconds:.0f} s", *shown]))

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
        return int(bool(failed))


def _reasons(log: Path) -> list[str]:
    """What pytest says of each failure, without the source: a log may have thousands of lines."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return [line[:MOST_COLUMNS] for line in lines if line.startswith(("E  ", "FAILED ", "ERROR "))][:MOST_REASONS]


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

    def rest(self) -> list[list[Part]]:
        """What `test` leaves out. The real servers and the browser, which wait a lot, are the longest lanes."""
        real = self._pytest(
            "real servers", "-m", "lab and not browser", "--deselect=tests/real/test_real_calls.py"
        )
        real.command += ["--numprocesses=3", "--dist=loadfile"]
        real.nice, real.environment = 0, {"CALLMON_FAILOVERS": "6"}
        whole = self._tests("tests, PostgreSQL, all examples", "not lab")
        whole.environment = {"CALLMON_WHOLE": "rest"}
        others = [part for version in list(self.pythons)[1:] for part in self._other(version)]
        others += [] if "3.14" in self.pythons else [self._sid()]
        seen = self._pytest("browser, paper, containers", "-m", "lab and browser")
        seen.nice = 0
        fuzz = Part("fuzz", [self._python(self.newest), "-m", "tests.fuzz", "1", "all", "5"])
        exam = Part("exam", [self._python(self.newest), "-m", "tests.model.exam", *CUTS])
        real.needs = whole.needs = exam.needs = seen.needs = (f"install {self.newest}",)
        return [
            [self._install(self.newest, f"install {self.newest}"), real],
            [whole, *others, exam, fuzz],
            [self._folders("other folders", "16", "browser", "cluster", "mail", "mariadb", "engine"), seen],
        ]

    def _other(self, version: str) -> list[Part]:
        name, folders = f"install {version}", (f"tests/{folder}" for folder in BY_PYTHON[version])
        tests = self._tests(f"Python {version}", NO_SERVER, *folders, needs=(name,), version=version)
        return [self._install(version, name), tests]

    def _sid(self) -> Part:
        """Python 3.14, which this machine does not have, in the folder of Debian sid."""
        workers = (f"--numprocesses={WORKERS}", "--dist=worksteal")
        folders = (f"tests/{folder}" for folder in BY_PYTHON["3.14"])
        command = [self._python(self.newest), "-m", "dev.sid_python", *workers, *folders]
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

    def _folders(self, name: str, *folders: str) -> Part:
        return Part(name, [self.pythons[self.newest], "-m", "tests.lab.prepare", *folders], nice=0)

    def _tests(self, name: str, which: str, *options: str, needs: tuple[str, ...] = (), version: str = "") -> Part:
        workers = (f"--numprocesses={WORKERS}", "--dist=worksteal")
        part = self._pytest(name, "-m", which, *workers, *options, version=version)
        part.needs = needs
        return part

    def _pytest(self, name: str, *options: str, version: str = "") -> Part:
        python = self._python(version or self.newest)
        return Part(name, [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *WHOLE_DIFF, *options])

    def _python(self, version: str) -> str:
        return f".venv-{version}/bin/python"


def _version(python: str) -> str:
    reported = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    return ".".join(reported.split()[1].split(".")[:2])


def main(names: list[str]) -> int:
    found = subprocess.run([".ci/pythons"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        return found.returncode
    stages = Stages(found.stdout.split("\n")[:-1])
    LOGS.mkdir(parents=True, exist_ok=True)
    run = Run()
    for missing in (version for version in SUPPORTED if version not in stages.pythons):
        print(f"Python {missing} is not here: not tested with it.")
    for name in names:
        run.lanes({"quick": stages.quick, "test": stages.test, "rest": stages.rest}[name]())
    return run.report()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
