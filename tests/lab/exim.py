"""A temporary Exim: a real mail server in a Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import trustme

from tests.lab.server import Server
from tests.lab.site import HOME

USER = "Debian-exim"
CONFIGURATION = Path(__file__).with_suffix(".conf").read_text("utf-8")


class Exim(Server):
    """``with Exim("password", certificate) as server:``. It can be stopped and started again on the same port.

    It takes mail after STARTTLS and a sign-in as ``callmon``, for everybody but ``nobody``.
    """

    program, debian, user = "exim4", "mail", USER

    def __init__(self, password: str, certificate: trustme.LeafCert, limit: str = "5M") -> None:
        super().__init__()
        self._password, self._certificate, self._limit = password, certificate, limit

    def options(self) -> list[str]:
        return ["-C", self.inside("conf"), "-bdf", "-q1h"]

    def _is_ready(self) -> bool:
        return self.is_open()

    def delivered(self) -> list[EmailMessage]:
        """The mails in its box."""
        files = sorted((self.place / "box" / "new").glob("*"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]  # type: ignore[misc]

    def furnish(self) -> None:
        chain = b"".join(part.bytes() for part in self._certificate.cert_chain_pems)
        (self.place / "cert.pem").write_bytes(chain)
        (self.place / "key.pem").write_bytes(self._certificate.private_key_pem.bytes())
        given = {"host": HOME, "port": self.port, "home": self.inside("")[:-1], "password": self._password}
        (self.place / "conf").write_text(CONFIGURATION.format(**given, limit=self._limit))
        (self.place / "conf").chmod(0o640)
        (self.place / "spool").mkdir()
        self.give(USER)
