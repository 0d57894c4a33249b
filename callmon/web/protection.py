"""TLS and basic authentication of the listener, as `web.config_file` states them.

    start, reload ─▶ read ─▶ apply
    once a second ─▶ a certificate's file has changed? ─▶ a new TLS context for connections from now on

An unusable file leaves what is in force. Refuses: to serve without TLS where the file asks for it.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from callmon.config.validation import unreadable
from callmon.config.web_config import TlsServerConfig, load_web_config
from callmon.config.wording import placed
from callmon.errors import ConfigError, Sentence
from callmon.web.auth.basic import BasicAuth

log = logging.getLogger(__name__)

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class Protected(NamedTuple):
    """What one reading of the file found. `digest`: of the certificates' files."""

    users: dict[str, str]
    tls: TlsServerConfig | None = None
    context: ssl.SSLContext | None = None
    digest: bytes = b""


class Protection:
    """The protection in force. Without a file there is none. `context` serves each new connection."""

    def __init__(self, path: Path | None = None) -> None:
        self._path, self.users = path, BasicAuth()
        self._now = Protected({})

    @property
    def context(self) -> ssl.SSLContext | None:
        return self._now.context

    def read(self) -> Protected:
        """Read the file and its certificates, without effect. Raises ConfigError with what is wrong."""
        written = load_web_config(self._path)
        return self._with_context(Protected(written.basic_auth_users, written.tls_server_config))

    def apply(self, read: Protected) -> None:
        self._now = read
        self.users.configure(read.users)

    async def run(self, next_look: Callable[[], Awaitable[None]]) -> None:
        """Follow the certificates' files. What makes them unusable is logged once."""
        refused = ""
        while True:
            await next_look()
            now = self._now
            if now.tls is None:
                continue
            try:
                renewed = await asyncio.to_thread(self._with_context, now)
            except ConfigError as error:
                if str(error) != refused:
                    log.error("web: the certificate stays as it was: %s", error)
                refused = str(error)
                continue
            refused = ""
            if renewed is not now and now is self._now:  # no reload meanwhile
                self._now = renewed
                log.info("web: the certificate was read again")

    def _with_context(self, before: Protected) -> Protected:
        """The same with the TLS context of its files, unless these are as they were. Raises ConfigError."""
        digest = b"" if before.tls is None else sha256(b"\0".join(_contents(before.tls, self._path))).digest()
        if before.tls is None or digest == before.digest:
            return before
        return before._replace(context=_context(before.tls, self._path), digest=digest)


def _contents(tls: TlsServerConfig, file: Path | None) -> Iterator[bytes]:
    for name in ("cert_file", "key_file", "client_ca_file"):
        path = getattr(tls, name)
        try:
            yield b"" if path is None else path.read_bytes()
        except OSError as error:
            place = placed(file, f"tls_server_config.{name}")
            raise ConfigError(placed(place, unreadable(path, error))) from None


def _context(tls: TlsServerConfig, file: Path | None) -> ssl.SSLContext:
    """The server's context. Raises ConfigError when a file is not what it should be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = VERSIONS[tls.min_version], VERSIONS[tls.max_version]
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: b"")
    except (ssl.SSLError, ValueError):
        sentence = Sentence(
            "{certificate} and {key} are no certificate with its own key; put both in PEM, the key without a "
            "password",
            certificate=tls.cert_file,
            key=tls.key_file,
        )
        raise ConfigError(placed(placed(file, "tls_server_config"), sentence)) from None
    if tls.client_ca_file is not None:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except ssl.SSLError:
            sentence = Sentence("{file} holds no certificate in PEM", file=tls.client_ca_file)
            raise ConfigError(placed(placed(file, "tls_server_config.client_ca_file"), sentence)) from None
    context.verify_mode = VERIFY[tls.client_auth_type]
    return context
