"""A temporary Exim: a real mail server in a Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType

import trustme

from tests.lab.folder import LabUnavailable, folder
from tests.lab.place import Place
from tests.lab.ports import free_port
from tests.lab.processes import begin, end
from tests.lab.site import HOME

SECONDS_TO_START = 120
USER = "Debian-exim"
CONFIGURATION = """
primary_hostname = mail.ministry.example
local_interfaces = {host}
daemon_smtp_ports = {port}
spool_directory = {home}/spool
log_file_path = {home}/log-%s
pid_file_path = {home}/pid
tls_advertise_hosts = *
tls_certificate = {home}/cert.pem
tls_privatekey = {home}/key.pem
message_size_limit = {limit}
deliver_drop_privilege = true
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = recipients
begin acl
recipients:
  deny message = no such user
       local_parts = nobody
  accept authenticated = *
  deny message = sign in first
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = {home}/box
  envelope_to_add
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{callmon}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


class Exim:
    """``with Exim("password", certificate) as server:``. It can be stopped and started again on the same port.

    It takes mail after STARTTLS and a sign-in as ``callmon``, for everybody but ``nobody``.
    """

    def __init__(self, password: str, certificate: trustme.LeafCert, limit: str = "5M") -> None:
        self._password, self._certificate, self._limit = password, certificate, limit
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Exim:
        self._folder = folder("mail")
        self.port = free_port(socket.SOCK_STREAM, HOME)
        self._home = Place(self._folder, "exim")
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

    def start(self) -> None:
        command = ["chroot", f"--userspec={USER}", str(self._folder), "/usr/sbin/exim4"]
        self._process = begin([*command, "-C", self._within("conf"), "-bdf", "-q1h"], self.path / "output")
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LabUnavailable(f"Exim ended: {(self.path / 'output').read_text(errors='replace')[-300:]}")
            try:
                socket.create_connection((HOME, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise LabUnavailable(f"Exim did not answer in {SECONDS_TO_START} s")

    def stop(self) -> None:
        process, self._process = self._process, None
        end(process)

    def delivered(self) -> list[EmailMessage]:
        """The mails in its box."""
        files = sorted((self.path / "box" / "new").glob("*"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]  # type: ignore[misc]

    def _within(self, name: str) -> str:
        return f"/{self.path.relative_to(self._folder)}/{name}"

    def _furnish(self) -> None:
        rows = [line.split(":") for line in (self._folder / "etc/passwd").read_text().splitlines()]
        user, group = next((int(row[2]), int(row[3])) for row in rows if row[0] == USER)
        chain = b"".join(part.bytes() for part in self._certificate.cert_chain_pems)
        (self.path / "cert.pem").write_bytes(chain)
        (self.path / "key.pem").write_bytes(self._certificate.private_key_pem.bytes())
        given = {"host": HOME, "port": self.port, "home": self._within("")[:-1], "password": self._password}
        (self.path / "conf").write_text(CONFIGURATION.format(**given, limit=self._limit))
        (self.path / "conf").chmod(0o640)
        (self.path / "spool").mkdir()
        for file in (self.path, *self.path.iterdir()):
            shutil.chown(file, user, group)
