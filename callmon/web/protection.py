"""TLS and basic authentication of the listener, as `web.config_file` states them.

    start, reload ─▶ read ─▶ apply
    once a second ─▶ a certificate's file has changed? ─▶ a new TLS context for connections from now on

An unusable file leaves what is in force. Refuses: to serve without TLS where the file asks for it.
"""

import asyncio
import logging
import ssl
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from callmon.config.web_config import TlsServerConfig, load_web_config
from callmon.errors import ConfigError
from callmon.web.auth.basic import BasicAuth

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
Stamp = tuple[tuple[int, int, int], ...]  # of each file: inode, modification time, size


class Protected(NamedTuple):
    """What one reading of the file found. `stamp`: the state of the certificates' files before they were read."""

    users: dict[str, str]
    tls: TlsServerConfig | None = None
    context: ssl.SSLContext | None = None
    stamp: Stamp = ()


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
        return self._with_context(written.basic_auth_users, written.tls_server_config)

    def apply(self, read: Protected) -> None:
        self._now = read
        self.users.configure(read.users)

    async def run(self) -> None:
        """Follow the certificates' files. An unusable one is logged once, and tried again when it changes."""
        tried = self._now.stamp
        while True:
            await asyncio.sleep(LOOK_EVERY)
            now = self._now
            if now.tls is None:
                continue
            stamp = await asyncio.to_thread(_stamp, now.tls)
            if stamp in (now.stamp, tried):
                continue
            tried = stamp
            try:
                renewed = await asyncio.to_thread(self._with_context, now.users, now.tls)
            except ConfigError as error:
                log.error("web: the certificate stays as it was: %s", error)
            else:
                if now is self._now:  # no reload meanwhile
                    self._now = renewed
                    log.info("web: the certificate was read again")

    def _with_context(self, users: dict[str, str], tls: TlsServerConfig | None) -> Protected:
        if tls is None:
            return Protected(users)
        stamp = _stamp(tls)
        return Protected(users, tls, _context(tls, f"{self._path}: tls_server_config"), stamp)


def _stamp(tls: TlsServerConfig) -> Stamp:
    found = []
    for path in tls.files():
        with suppress(OSError):
            state = path.stat()
            found.append((state.st_ino, state.st_mtime_ns, state.st_size))
    return tuple(found)


def _context(tls: TlsServerConfig, place: str) -> ssl.SSLContext:
    """The server's context. Raises ConfigError when a file cannot be read, or is not what it should be."""
    for name in ("cert_file", "key_file", "client_ca_file"):
        if path := getattr(tls, name):
            _refuse_unreadable(path, f"{place}.{name}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = VERSIONS[tls.min_version], VERSIONS[tls.max_version]
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: b"")
    except (ssl.SSLError, ValueError):
        raise ConfigError(
            f"{place}: {tls.cert_file} and {tls.key_file} are no certificate with its own key; put both in PEM, "
            "the key without a password"
        ) from None
    if tls.client_ca_file is not None:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except ssl.SSLError:
            raise ConfigError(
                f"{place}.client_ca_file: {tls.client_ca_file} holds no certificate in PEM"
            ) from None
    context.verify_mode = VERIFY[tls.client_auth_type]
    return context


def _refuse_unreadable(path: Path, place: str) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{place}: cannot read {path} ({error.strerror})") from None
