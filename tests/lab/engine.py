"""dockerd in a Debian folder of the lab, and the stand-ins for what a registry would give.

The engine lives in a mount namespace whose root is that folder, so that nothing is installed on the host; only the
network is the host's. Its images stay in the lab's folder. What its containers kept goes with `compose down -v`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.folder import LabUnavailable, folder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS_TO_START = 60
SECONDS_TO_END = 30
# What of the host its containers may be given: this repository, and files of a test.
SEEN = (ROOT, Path("/tmp"), Path("/var/tmp"))
# The stand-in for Python's image is this folder without the engine.
NOT_PYTHONS = ("usr/bin/docker*", "usr/bin/containerd*", "usr/bin/ctr", "usr/sbin/dockerd", "usr/libexec/docker")
NOT_IN_AN_IMAGE = ("lab", "root/*", "proc/*", "sys/*", "dev/*", "tmp/*", "var/tmp/*", "var/lib/apt/lists/*",
                   "var/cache/*", "usr/share/doc", "usr/share/locale")  # fmt: skip
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
NO_RULES = b"*nat\nCOMMIT\n*filter\nCOMMIT\n"
BEGIN = r"""
set -eu
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
for path in /proc /sys /dev; do mount --rbind "$path" "$root$path"; done
for path in {seen}; do mkdir -p "$root$path"; mount --bind "$path" "$root$path"; done
mkdir -p "$root/host"
cd "$root"
pivot_root . host
umount -l /host
exec dockerd "$@"
"""


class EngineUnavailable(LabUnavailable):
    """dockerd does not run here; the message is its own last line."""


class Engine:
    """``with Engine() as engine:`` and then ``engine.docker("images")``, ``engine.compose(folder, "up", …)``.

    `options` are more of dockerd's own.
    """

    def __init__(self, *options: str) -> None:
        self._options = options

    def __enter__(self) -> Engine:
        _refuse_in_a_chroot()
        self._folder = folder("engine")
        self.place = self._folder.parent / "engine"
        self.place.mkdir(exist_ok=True)
        self._lock = (self.place / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # one engine at a time
        self._log = self.place / "dockerd.log"
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ask dockerd to end, and with it containerd; what does not end is ended."""
        process: subprocess.Popen[bytes] | None = getattr(self, "_process", None)
        if process is not None:
            if process.poll() is None:
                self._end(process)
            self._tidy()
        self._lock.close()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(OSError):  # it had not come as far as to write its number down
            os.kill(self._pid(), signal.SIGTERM)
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def docker(self, *arguments: str, seconds: float = 300) -> str:
        return self._run(["docker", *arguments], ROOT, seconds)

    def compose(
        self,
        place: Path,
        *arguments: str,
        seconds: float = 300,
        environment: dict[str, str] | None = None,
        said: str = "",
    ) -> str:
        """`said`: to its standard input."""
        return self._run(["docker", "compose", *arguments], place, seconds, environment, said)

    def command(self, place: Path) -> Path:
        """A command `docker` for others, as for make: it talks with this engine."""
        place.mkdir(exist_ok=True)
        path = place / "docker"
        own = [f"{name}={value}" for name, value in self._environment().items() if name != "PATH"]
        path.write_text(
            f'#!/bin/sh\nexec nsenter -t {self._pid()} -m env -C "$PWD" {" ".join(own)} /usr/bin/docker "$@"\n'
        )
        path.chmod(0o755)
        return path

    @property
    def last_line(self) -> str:
        """What dockerd said last."""
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        return lines[-1] if lines else "dockerd said nothing"

    def import_folder(self, root: Path, name: str, without: tuple[str, ...] = ()) -> None:
        """An image of that name from a Debian folder, unless there is one of the same packages."""
        packages = hashlib.sha256((root / "var/lib/dpkg/status").read_bytes()).hexdigest()
        if self.docker("image", "ls", "--quiet", "--filter", f"label=packages={packages}", name).strip():
            return
        leave = [f"--exclude=./{path}" for path in (*NOT_IN_AN_IMAGE, *without)]
        packed = subprocess.Popen(
            ["tar", "-C", str(root), "--one-file-system", *leave, "-c", "."], stdout=subprocess.PIPE
        )
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        changes = ["-c", f"ENV {path}", "-c", f"LABEL packages={packages}"]
        command = [*self._inside(ROOT), "docker", "import", *changes, "-", name]
        subprocess.run(command, stdin=packed.stdout, env=self._environment(), check=True, capture_output=True)
        assert packed.stdout is not None
        packed.stdout.close()
        assert packed.wait() == 0

    def stand_in(self, stage: str, name: str) -> None:
        """An image of that name from a stage of stand-ins.Dockerfile."""
        place = str(HERE)
        self.docker("build", "-q", "-f", f"{place}/stand-ins.Dockerfile", "--target", stage, "-t", name, place)

    def make_stand_ins(self, names: dict[str, str]) -> None:
        """`names`: the images that the stack pulls, by stage."""
        self.import_folder(folder("22"), "callmon-lab/sid")
        self.import_folder(self._folder, "callmon-lab/trixie", NOT_PYTHONS)
        for stage, name in names.items():
            self.stand_in(stage, name)

    def _tidy(self) -> None:
        """dockerd leaves its bridge, its rules and its sockets behind."""
        inside = ["chroot", str(self._folder)]
        subprocess.run([*inside, "ip", "link", "delete", "docker0"], capture_output=True, timeout=20)
        before = json.loads(self._before.read_text())
        rules = before["rules"].encode()
        subprocess.run([*inside, "iptables-restore"], input=rules, capture_output=True, timeout=20)
        FORWARDING.write_text(before["forwarding"])
        shutil.rmtree(self._run_place, ignore_errors=True)
        for name in ("sock", "pid"):
            Path(f"{self._run_place}.{name}").unlink(missing_ok=True)
        self._before.unlink()

    def _start(self) -> None:
        self._log.unlink(missing_ok=True)
        self._run_place = Path("/tmp/callmon-engine")  # one engine at a time
        self._before = self.place / "before.json"  # is there while an engine runs, and after one was killed
        if self._before.exists():
            self._tidy()
        saved = subprocess.run(["chroot", str(self._folder), "iptables-save"], capture_output=True, timeout=20)
        rules = (saved.stdout or NO_RULES).decode()
        self._before.write_text(json.dumps({"rules": rules, "forwarding": FORWARDING.read_text()}))
        seen = " ".join(str(path) for path in (*SEEN, self.place))
        command = ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--fork", "--kill-child"]
        command += ["sh", "-c", BEGIN.format(seen=seen), "engine", str(self._folder)]
        command += [f"--data-root={self.place}/state", f"--exec-root={self._run_place}"]
        command += [f"--pidfile={self._run_place}.pid", f"--host=unix://{self._run_place}.sock", *self._options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EngineUnavailable(f"dockerd ended: {self.last_line}")
            if _answers(f"{self._run_place}.sock"):
                return
            time.sleep(0.1)
        raise EngineUnavailable(f"dockerd did not answer in {SECONDS_TO_START} s: {self.last_line}")

    def _pid(self) -> int:
        return int(Path(f"{self._run_place}.pid").read_text())

    def _inside(self, place: Path) -> list[str]:
        return ["nsenter", "-t", str(self._pid()), "-m", "env", "-C", str(place)]

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": "/tmp", "DOCKER_HOST": f"unix://{self._run_place}.sock"}

    def _run(
        self,
        command: list[str],
        place: Path,
        seconds: float,
        environment: dict[str, str] | None = None,
        said: str = "",
    ) -> str:
        done = subprocess.run(
            [*self._inside(place), *command],
            env=self._environment() | (environment or {}),
            input=said.encode(),
            capture_output=True,
            timeout=seconds,
        )
        said = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"{' '.join(command)}:\n{said[-2000:]}\n{done.stderr.decode()[-4000:]}"
        return said


def _refuse_in_a_chroot() -> None:
    """A container is given a root in exchange for the machine's: where `/` is no mount there is none."""
    mounts = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    if "/" not in mounts:
        raise LabUnavailable("containers need a machine's own root, and this is a chroot")


def _answers(address: str) -> bool:
    """The socket is there long before the engine is."""
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(2)
            wire.connect(address)
            wire.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in wire.recv(64)
    except OSError:
        return False
