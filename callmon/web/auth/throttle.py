"""Limits on sign-in attempts: the first ones are free, then each waits twice as long as the one before.

Attempts are counted by account and by address. An attempt counts when it begins, so that a hundred at once count
as a hundred. Memory is bounded: the key with the oldest last attempt is dropped first. Time is an argument.
"""

from collections import OrderedDict
from ipaddress import IPv4Address, ip_network

from callmon.web.auth.client import parsed_address

FREE = 5  # attempts: a mistyped password is not yet an attack
# Seconds. An account's are few, so that strangers cannot lock its owner out.
FIRST, OF_ADDRESS, OF_ACCOUNT = 1.0, 900.0, 60.0
FORGOTTEN_AFTER = 3600.0
MOST = 10_000  # accounts, or addresses
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052


class SignInThrottle:
    """Attempts by key. `longest`: the longest wait between two attempts, in seconds."""

    def __init__(self, longest: float, most: int = MOST) -> None:
        self._longest, self._most = longest, most
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, time of the last

    def __len__(self) -> int:
        return len(self._tries)

    def wait(self, key: str, now: float) -> float:
        """Seconds until the next attempt is allowed; 0 when it is allowed now."""
        count, last = self._tries.get(key, (0, now))
        if count < FREE or now - last >= FORGOTTEN_AFTER:
            return 0.0
        return max(0.0, last + min(FIRST * 2.0 ** min(count - FREE, 30), self._longest) - now)

    def tried(self, key: str, now: float) -> None:
        count, last = self._tries.pop(key, (0, now))
        self._tries[key] = (1 if now - last >= FORGOTTEN_AFTER else count + 1, now)
        while len(self._tries) > self._most:
            self._tries.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Removes the successful attempt from the count; those before it stay."""
        count, last = self._tries.get(key, (0, 0.0))
        if count > 1:
            self._tries[key] = (count - 1, last)
        else:
            self._tries.pop(key, None)

    def forget(self, key: str) -> None:
        self._tries.pop(key, None)


def by_address(address: str) -> str:
    """The key of an address: the IPv4 address in any notation, or the /64, which one IPv6 user has as a whole."""
    known = parsed_address(address)
    if known is None:
        return address
    if known in NAT64:
        known = IPv4Address(int(known) & 0xFFFF_FFFF)
    return str(known if known.version == 4 else ip_network((int(known) >> 64 << 64, 64)))
