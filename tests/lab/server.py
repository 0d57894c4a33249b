"""A server of the Debian folder on loopback: in a place of its own, on a free port, ended by its process id."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.lab.folder import LabUnavailable, folder
from tests.lab.place import Place
from tests.lab.ports import free_port
from tests.lab.processes import begin, end
from tests.lab.site import HOME

SECONDS_TO_START = 120
HANGS = 1800  # seconds: a tool that takes longer never ends
TIME_ZONE = "America/Toronto"


class Server(ABC):
    """`program` is started with `options()` after `furnish()` has written its files into `place`.

    Its port is known before it is started.
    """

    program: str
    debian = "22"  # the folder that has it
    user = ""  # root
    dies_by = "KILL"  # when this process ends
    ends_by = signal.SIGTERM
    ready = "/-/ready"  # answers once it can be used

    def __init__(self) -> None:
        self.port = free_port(socket.SOCK_STREAM, HOME)
        self.url = f"http://{HOME}:{self.port}"

    def furnish(self) -> None:  # noqa: B027 - not every server has files
        pass

    @abstractmethod
    def options(self) -> list[str]: ...

    def __enter__(self) -> Self:
        self.folder = folder(self.debian)
        self._home = Place(self.folder, self.program.removeprefix("prometheus-")[:4])
        self.place = self._home.path
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.furnish()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def give(self, user: str) -> None:
        """Gives `place` and all that is in it to a user of the folder."""
        rows = [line.split(":") for line in (self.folder / "etc/passwd").read_text().splitlines()]
        self.owner = next((int(row[2]), int(row[3])) for row in rows if row[0] == user)
        for file in (self.place, *self.place.iterdir()):
            shutil.chown(file, *self.owner)

    def inside(self, name: str) -> str:
        """The path of a file of `place`, as the program sees it."""
        return f"/{self.place.relative_to(self.folder)}/{name}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as answer:
            return json.load(answer)

    def post(self, path: str, said: object) -> None:
        content = {"Content-Type": "application/json"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}{path}", json.dumps(said).encode(), content), timeout=60
        ):
            pass

    @property
    def log(self) -> str:
        return (self.place / "log").read_text(errors="replace")

    def command(self) -> list[str]:
        return in_folder(self.folder, self.program, *self.options(), user=self.user)

    def start(self) -> None:
        self._process = begin(self.command(), self.place / "log", self.dies_by)
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LabUnavailable(f"{self.program} does not answer: {self.log[-500:]}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self.ready}", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def is_open(self) -> bool:
        """Whether its port accepts a connection."""
        try:
            socket.create_connection((HOME, self.port), 1).close()
        except OSError:
            return False
        return True

    def halt(self) -> None:
        """Ends the process; its files stay."""
        process, self._process = self._process, None
        end(process, self.ends_by)

    def stop(self) -> None:
        self.halt()
        self._home.leave()


def in_folder(root: Path, program: str, *arguments: str, user: str = "") -> list[str]:
    return ["chroot", f"--userspec={user}", str(root), "/usr/bin/env", f"TZ={TIME_ZONE}", program, *arguments]


def run_on(files: Path, program: str, *arguments: str, read: str = "") -> subprocess.CompletedProcess[str]:
    """Run a tool of the folder in a copy of `files` (`{}` in an argument is that copy's path)."""
    root = folder("22")
    home = Place(root, "tool")
    try:
        shutil.copytree(files, home.path, dirs_exist_ok=True)
        where = f"/{home.path.relative_to(root)}"
        command = in_folder(root, program, *(argument.replace("{}", where) for argument in arguments))
        return subprocess.run(command, input=read, capture_output=True, text=True, timeout=HANGS)
    finally:
        home.leave()


class ServerGroup(ABC):
    """Servers that must find each other: entered when they have, and all ended at the exit."""

    @abstractmethod
    def start(self, stack: ExitStack) -> None: ...

    @abstractmethod
    def is_whole(self) -> bool: ...

    @abstractmethod
    def fault(self) -> str:
        """Why they are not usable, where `is_whole` stayed false."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.start(stack)
            deadline = time.monotonic() + SECONDS_TO_START
            while not self.is_whole():
                if time.monotonic() > deadline:
                    raise LabUnavailable(self.fault())
                time.sleep(0.1)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
