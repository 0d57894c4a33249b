"""One Asterisk for one test: started in a new place on free ports, stopped by its process id."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from pathlib import Path

from tests.lab.folder import folder
from tests.lab.pace import paced, shorten_sounds
from tests.lab.place import Place
from tests.lab.ports import free_port
from tests.lab.processes import begin, end
from tests.lab.site import HOME, TRUNK_ADDRESS, Ports, Secrets, write

SECONDS_TO_START = 120
HAVE_CHAN_SIP = ("16",)
DATA = "/usr/share/asterisk"


class AsteriskError(Exception):
    """An Asterisk that is installed and does not run: an error wherever the lab is, never a reason to skip."""


class Asterisk:
    """A running exchange. Its files are in ``.place``, which ``stop()`` deletes unless ``keep`` is set.

    ``pace``: how many times faster it is than a real exchange (``pace.py``).
    """

    def __init__(self, version: str = "22", keep: bool = False, pace: int = 1) -> None:
        self.version, self.pace = version, pace
        self._folder = folder(version)
        self._process: subprocess.Popen[bytes] | None = None
        self.ports = Ports(
            ami=free_port(socket.SOCK_STREAM, HOME),
            sip=free_port(socket.SOCK_DGRAM, HOME),
            trunk=free_port(socket.SOCK_DGRAM, TRUNK_ADDRESS),
            phones=free_port(socket.SOCK_DGRAM, HOME),
            chan_sip=free_port(socket.SOCK_DGRAM, HOME) if version in HAVE_CHAN_SIP else None,
        )
        self.secrets = Secrets(*(secrets.token_hex(8) for _ in range(4)))
        self._place = Place(self._folder, "run", keep)
        self.place = self._place.path
        self._furnish()

    def __enter__(self) -> Asterisk:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def ami_port(self) -> int:
        return self.ports.ami

    @property
    def secret(self) -> str:
        """The password of the AMI user ``callmon``."""
        return self.secrets.callmon

    @property
    def cel(self) -> Path:
        return self.place / "log/cel-custom/Master.csv"

    @property
    def cdr(self) -> Path:
        return self.place / "log/cdr-custom/Master.csv"

    @property
    def queue_log(self) -> Path:
        return self.place / "log/queue_log"

    @property
    def messages(self) -> Path:
        return self.place / "log/messages.log"

    def start(self) -> None:
        program = ["chroot", str(self._folder), "asterisk", "-f", "-p"]  # -p: real-time priority
        self._process = begin([*program, "-C", f"{self._inside}/etc/lab.conf"])
        self._wait_until_it_answers()

    def halt(self) -> None:
        """Stop the process; its files stay."""
        process, self._process = self._process, None
        end(process)

    def crash(self) -> None:
        """End it as a power failure would: no event, no logoff."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def restart(self) -> None:
        self.halt()
        self.start()

    def stop(self) -> None:
        self.halt()
        self._place.leave()

    def cli(self, command: str) -> str:
        """The output of a command on the exchange's console."""
        done = subprocess.run(
            ["chroot", str(self._folder), "asterisk", "-C", f"{self._inside}/etc/lab.conf", "-rx", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
        )
        return done.stdout

    @property
    def _inside(self) -> str:
        """The place as seen from inside the folder."""
        return self.within(self.place)

    def within(self, path: Path) -> str:
        """A path of its place as the exchange itself sees it."""
        return f"/{path.relative_to(self._folder)}"

    def _furnish(self) -> None:
        for name in ("etc", "lib", "lib/sounds", "log", "log/cel-custom", "log/cdr-custom", "run", "spool"):
            (self.place / name).mkdir()
        inside = self._inside
        write(self.place / "etc", f"{inside}/etc", self.ports, self.secrets, self._directories(inside))
        if self.pace > 1:
            for file in (self.place / "etc").rglob("*.conf"):
                file.write_text(paced(file.read_text(), self.pace))

    def _data(self, inside: str) -> str:
        """Asterisk's data directory: sounds and documentation."""
        if self.pace == 1:
            return DATA
        own = self.place / "data"
        own.mkdir()
        shorten_sounds(self._folder / DATA.lstrip("/"), own, DATA, self.pace)
        return f"{inside}/data"

    def _directories(self, inside: str) -> str:
        modules = next(self._folder.glob("usr/lib/**/asterisk/modules")).relative_to(self._folder)
        return (
            f"[directories]\nastetcdir = {inside}/etc\nastmoddir = /{modules}\nastvarlibdir = {inside}/lib\n"
            f"astdbdir = {inside}/lib\nastkeydir = {inside}/lib\nastdatadir = {self._data(inside)}\n"
            f"astagidir = {inside}/lib\nastspooldir = {inside}/spool\nastrundir = {inside}/run\n"
            f"astlogdir = {inside}/log\nastsbindir = /usr/sbin\n"
        )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise AsteriskError(f"Asterisk {self.version} ended at once: {self._last_messages()}")
            if _answers(self.ports.ami) and "System uptime" in self.cli("core show uptime"):
                # AMI listens a little before every module is loaded.
                self.cli("core waitfullybooted")
                return
            time.sleep(0.1)
        raise AsteriskError(
            f"Asterisk {self.version} did not answer in {SECONDS_TO_START} s: {self._last_messages()}"
        )

    def _last_messages(self) -> str:
        return self.messages.read_text(errors="replace")[-500:] if self.messages.exists() else "it wrote nothing"


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOME, port), timeout=1) as connection:
            return connection.recv(64).startswith(b"Asterisk Call Manager")
    except OSError:
        return False
