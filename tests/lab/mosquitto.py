"""A temporary Mosquitto: a real broker in the Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

import shutil
import subprocess

import trustme

from tests.lab.server import Server, in_folder
from tests.lab.site import HOME


class Mosquitto(Server):
    """``with Mosquitto() as broker:``. It can be halted, crashed and started again on the same port.

    It stores retained messages over a restart only on request. With ``password``, only the users ``callmon`` and
    ``board`` may connect, with that password. With ``certificate`` (and an ``authority`` for the clients' ones)
    it uses TLS.
    """

    program = user = "mosquitto"
    dies_by = "TERM"

    def __init__(
        self,
        password: str | None = None,
        certificate: trustme.LeafCert | None = None,
        authority: trustme.CA | None = None,
        keeps: bool = False,
    ) -> None:
        super().__init__()
        self._password, self._certificate, self._authority, self._keeps = password, certificate, authority, keeps

    def options(self) -> list[str]:
        return ["-c", self.inside("mosquitto.conf")]

    def crash(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def furnish(self) -> None:
        self.give(self.user)
        lines = [
            f"listener {self.port} {HOME}",
            "log_dest stderr",
            f"allow_anonymous {self._says(not self._password)}",
        ]
        lines += [f"persistence {self._says(self._keeps)}", f"persistence_location {self.inside('')}"]
        lines += [*self._users(), *self._tls()]
        (self.place / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def _users(self) -> list[str]:
        if self._password is None:
            return []
        users = self.place / "users"
        users.write_text("".join(f"{name}:{self._password}\n" for name in ("callmon", "board")))
        hashed = in_folder(self.folder, "mosquitto_passwd", "-U", self.inside("users"))
        subprocess.run(hashed, check=True, capture_output=True, timeout=30)
        users.chmod(0o600)
        shutil.chown(users, *self.owner)
        return [f"password_file {self.inside('users')}"]

    def _tls(self) -> list[str]:
        if self._certificate is None:
            return []
        chain = b"".join(part.bytes() for part in self._certificate.cert_chain_pems)
        (self.place / "cert.pem").write_bytes(chain)
        (self.place / "key.pem").write_bytes(self._certificate.private_key_pem.bytes())
        lines = [f"certfile {self.inside('cert.pem')}", f"keyfile {self.inside('key.pem')}"]
        if self._authority is not None:
            (self.place / "clients.pem").write_bytes(self._authority.cert_pem.bytes())
            lines += [f"cafile {self.inside('clients.pem')}", "require_certificate true"]
        return lines

    @staticmethod
    def _says(yes: bool) -> str:
        return "true" if yes else "false"

    def _is_ready(self) -> bool:
        return self.is_open()
