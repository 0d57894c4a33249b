"""A temporary Mosquitto: a real broker in the Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from types import TracebackType

import trustme

from tests.lab.folder import LabUnavailable, folder
from tests.lab.place import Place
from tests.lab.ports import free_port
from tests.lab.processes import begin, end
from tests.lab.site import HOME

SECONDS_TO_START = 120


class Mosquitto:
    """``with Mosquitto() as broker:``. It can be stopped, crashed and started again on the same port.

    It stores retained messages over a restart only on request. With ``password``, only the users ``callmon`` and
    ``board`` may connect, with that password. With ``certificate`` (and an ``authority`` for the clients' ones)
    it uses TLS.
    """

    def __init__(
        self,
        password: str | None = None,
        certificate: trustme.LeafCert | None = None,
        authority: trustme.CA | None = None,
        keeps: bool = False,
    ) -> None:
        self._password, self._certificate, self._authority, self._keeps = password, certificate, authority, keeps
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Mosquitto:
        self._folder = folder("22")
        self.port = free_port(socket.SOCK_STREAM, HOME)
        self._home = Place(self._folder, "mq")
        self.path = self._home.path
        try:
            self._furnish()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._home.leave()

    @property
    def log(self) -> str:
        return (self.path / "log").read_text(errors="replace")

    def start(self) -> None:
        command = self._command("mosquitto", "-c", self._within("mosquitto.conf"))
        self._process = begin(command, self.path / "log")
        self._wait_until_it_answers()

    def stop(self) -> None:
        """SIGTERM: it closes its connections and stores what it is to store."""
        process, self._process = self._process, None
        end(process)

    def crash(self) -> None:
        """kill -9."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait()

    def _command(self, program: str, *arguments: str) -> list[str]:
        return ["chroot", "--userspec=mosquitto", str(self._folder), f"/usr/sbin/{program}", *arguments]

    def _within(self, name: str) -> str:
        return f"/{self.path.relative_to(self._folder)}/{name}"

    def _furnish(self) -> None:
        rows = [line.split(":") for line in (self._folder / "etc/passwd").read_text().splitlines()]
        user = next(row for row in rows if row[0] == "mosquitto")
        self._owner = int(user[2]), int(user[3])
        shutil.chown(self.path, *self._owner)
        lines = [
            f"listener {self.port} {HOME}",
            "log_dest stderr",
            f"allow_anonymous {self._says(not self._password)}",
        ]
        lines += [f"persistence {self._says(self._keeps)}", f"persistence_location {self._within('')}"]
        lines += [*self._users(), *self._tls()]
        (self.path / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def _users(self) -> list[str]:
        if self._password is None:
            return []
        users = self.path / "users"
        users.write_text("".join(f"{name}:{self._password}\n" for name in ("callmon", "board")))
        hashed = ["chroot", str(self._folder), "/usr/bin/mosquitto_passwd", "-U", self._within("users")]
        subprocess.run(hashed, check=True, capture_output=True, timeout=30)
        users.chmod(0o600)
        shutil.chown(users, *self._owner)
        return [f"password_file {self._within('users')}"]

    def _tls(self) -> list[str]:
        if self._certificate is None:
            return []
        chain = b"".join(part.bytes() for part in self._certificate.cert_chain_pems)
        (self.path / "cert.pem").write_bytes(chain)
        (self.path / "key.pem").write_bytes(self._certificate.private_key_pem.bytes())
        lines = [f"certfile {self._within('cert.pem')}", f"keyfile {self._within('key.pem')}"]
        if self._authority is not None:
            (self.path / "clients.pem").write_bytes(self._authority.cert_pem.bytes())
            lines += [f"cafile {self._within('clients.pem')}", "require_certificate true"]
        return lines

    @staticmethod
    def _says(yes: bool) -> str:
        return "true" if yes else "false"

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise LabUnavailable(f"Mosquitto ended: {self.log[-300:]}")
            try:
                socket.create_connection((HOME, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise LabUnavailable(f"Mosquitto did not answer in {SECONDS_TO_START} s: {self.log[-300:]}")
