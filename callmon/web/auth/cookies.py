"""The cookies: form secret, session, a sign-in at the provider in progress, a device's earlier sign-in.

No script can read them (`HttpOnly`). No form of another site sends them (`SameSite`). Over TLS, the browser
accepts them from callmon's own host alone (`__Host-`).
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping

FORM = "callmon-form"
SESSION = "callmon"
UNDER_WAY = "callmon-oidc"
DEVICE = "callmon-device"
LENGTH = 43  # characters of a new value: 256 bits
MINUTES_UNDER_WAY = 10
MINUTES_OF_DEVICE = 180 * 24 * 60
NONCE = 16  # the first characters of a device's value identify the device; the others prove its sign-in


def new() -> str:
    return secrets.token_urlsafe(32)


def hashed(value: str) -> str:
    """The value as stored. A reader of the database cannot impersonate anybody with it."""
    return hashlib.sha256(value.encode()).hexdigest()


def device(account: str, kept: str, nonce: str = "") -> str:
    """A device's value for an account. `kept`: the stored password hash; a new hash makes the value invalid."""
    identifier = nonce or secrets.token_urlsafe(NONCE * 3 // 4)
    proof = hmac.digest(kept.encode(), f"device\0{account}\0{identifier}".encode(), hashlib.sha256)
    return identifier + urlsafe_b64encode(proof).decode()[: LENGTH - NONCE]


def name(base: str, is_https: bool) -> str:
    return f"__Host-{base}" if is_https else base


def read(cookies: Mapping[str, str], base: str, is_https: bool) -> str:
    """The cookie's value; "" when there is none that callmon could have made."""
    value = cookies.get(name(base, is_https), "")
    return value if len(value) == LENGTH and value.isascii() else ""


def written(base: str, value: str, is_https: bool, minutes: int | None = None) -> str:
    """The Set-Cookie header. The cookie lasts until the browser ends, or for `minutes`; 0 deletes it."""
    age = f"; Max-Age={minutes * 60}" if minutes is not None else ""
    secure = "; Secure" if is_https else ""
    return f"{name(base, is_https)}={value}; Path=/{age}{secure}; HttpOnly; SameSite=Lax"
