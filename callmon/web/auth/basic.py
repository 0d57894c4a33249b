"""Basic authentication of what machines read: names with bcrypt hashes, as Prometheus' exporter-toolkit has them.

A hash is computed in a thread, one at a time: it takes a tenth of a second by design. A verified password is known
by its digest until the users change. Refuses: to keep a password, and to answer sooner for an unknown name.
"""

import asyncio
import base64
import binascii
import hmac
import logging
import secrets
from collections.abc import Mapping

from callmon.logs import Seldom

log = logging.getLogger(__name__)

# Of a password that nobody has: an unknown name takes as long as a wrong password.
NOBODY = "$2b$10$abcdefghijklmnopqrstuuKkqTIEJDpYdMTzHnJSvbPVtEYPEY2ia"


class BasicAuth:
    """The users, and the passwords verified since they were configured."""

    def __init__(self) -> None:
        self._users: Mapping[str, str] = {}
        self._verified: dict[str, bytes] = {}  # name → digest of hash and password; at most one a user
        self._key, self._one_at_a_time = secrets.token_bytes(32), asyncio.Lock()
        self._refused = Seldom(log, "web: refused a wrong name or password for /metrics")

    def configure(self, users: Mapping[str, str]) -> None:
        """Replace the users. Without any, everybody may read."""
        self._users, self._verified = dict(users), {}

    async def admits(self, authorization: str | None, address: str) -> bool:
        """Whether this header Authorization is a user's. `address`: for the log."""
        if not self._users:
            return True
        name, password = _credentials(authorization)
        if name is None:
            return False
        expected = self._users.get(name)
        digest = hmac.digest(self._key, f"{expected}\0".encode() + password, "sha256")
        if expected is not None and hmac.compare_digest(self._verified.get(name, b""), digest):
            return True
        async with self._one_at_a_time:
            is_right = await asyncio.to_thread(_is_password, password, expected or NOBODY)
        if is_right and expected is not None and self._users.get(name) == expected:
            self._verified[name] = digest
            return True
        self._refused(address=address)
        return False


def _credentials(authorization: str | None) -> tuple[str | None, bytes]:
    kind, _, encoded = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return None, b""
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode() if colon else None), password
    except (binascii.Error, ValueError):  # no base64, or a name that is not UTF-8
        return None, b""


def _is_password(password: bytes, expected: str) -> bool:
    import bcrypt

    try:
        return bcrypt.checkpw(password, expected.encode())
    except ValueError:  # longer than the 72 bytes that bcrypt reads
        return False
