"""Basic authentication of what machines read: names with bcrypt hashes, as Prometheus' exporter-toolkit has them.

A hash is computed in a thread, one at a time: it takes a tenth of a second by design. A verified password is known
by its digest until that user changes. Refuses: to keep a password, and to answer sooner for an unknown name.
"""

import asyncio
import base64
import binascii
import hmac
import logging
import secrets
from collections.abc import Mapping

from callmon.logs import Seldom
from callmon.web.auth.client import by_network
from callmon.web.auth.fair_queue import FairQueue, TooManyError

log = logging.getLogger(__name__)

# Of a password that nobody has: an unknown name takes as long as a wrong password.
# `{cost:02}`: the time doubles with each.
NOBODY, LEAST_COST = "$2b${cost:02}$abcdefghijklmnopqrstuuKkqTIEJDpYdMTzHnJSvbPVtEYPEY2ia", 10


class BasicAuth:
    """The users, and the passwords verified since they were configured."""

    def __init__(self) -> None:
        self._users: Mapping[str, str] = {}
        self._verified: dict[str, bytes] = {}  # name → digest of hash and password; at most one a user
        self._key, self._queue = secrets.token_bytes(32), FairQueue()
        self._cost = LEAST_COST
        self._refused = Seldom(log, "web: refused a wrong name or password for /metrics")

    def configure(self, users: Mapping[str, str]) -> None:
        """Replace the users. Without any, everybody may read."""
        self._verified = {
            name: x for name, x in self._verified.items() if users.get(name) == self._users.get(name)
        }
        self._users, self._cost = dict(users), max(map(_cost, users.values()), default=LEAST_COST)

    @property
    def are_named(self) -> bool:
        """Whether only users may read: who reads is one of them."""
        return bool(self._users)

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
        try:
            async with self._queue.turn(by_network(address)):
                is_right = await asyncio.to_thread(_is_password, password, expected, self._cost)
        except TooManyError:
            self._refused(address=address)
            return False
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


def _cost(kept: str) -> int:
    return int(kept.split("$")[2])


def _is_password(password: bytes, expected: str | None, cost: int) -> bool:
    """Whether it is the password of the hash `expected`. It takes the time of `cost`, also without a hash."""
    import bcrypt

    spent = cost if expected is None else _cost(expected)
    hashes = [expected or NOBODY.format(cost=cost), *(NOBODY.format(cost=x) for x in range(spent, cost))]
    try:
        matches = [bcrypt.checkpw(password, kept.encode()) for kept in hashes]
        return matches[0]
    except ValueError:  # longer than the 72 bytes that bcrypt reads
        return False
