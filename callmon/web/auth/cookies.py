"""The cookies: a visitor's forms, a session, a sign-in at the provider that is under way, a device's earlier one.

No script reads them, no other site's form brings them, and over TLS the browser takes them from us alone
(`__Host-`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping

FORM, SESSION, UNDER_WAY, DEVICE = "callmon-form", "callmon", "callmon-oidc", "callmon-device"
LENGTH = 43  # characters of a new value: 256 bits
MINUTES_UNDER_WAY = 10
MINUTES_OF_DEVICE = 180 * 24 * 60
NONCE = 16  # characters of a device's value that say which device; the others prove that it signed in


def new() -> str:
    return secrets.token_urlsafe(32)


def hashed(value: str) -> str:
    """As it is stored: whoever reads the database cannot be anybody."""
    return hashlib.sha256(value.encode()).hexdigest()


def device(account: str, kept: str, nonce: str = "") -> str:
    """A device's value for an account; `kept`: its password as stored, with which the value becomes invalid."""
    told = nonce or secrets.token_urlsafe(NONCE * 3 // 4)
    proof = hmac.digest(kept.encode(), f"device\0{account}\0{told}".encode(), hashlib.sha256)
    return told + urlsafe_b64encode(proof).decode()[: LENGTH - NONCE]


def name(base: str, is_https: bool) -> str:
    return f"__Host-{base}" if is_https else base


def read(cookies: Mapping[str, str], base: str, is_https: bool) -> str:
    """ "" when there is none that we could have made."""
    value = cookies.get(name(base, is_https), "")
    return value if len(value) == LENGTH and value.isascii() else ""


def written(base: str, value: str, is_https: bool, minutes: int | None = None) -> str:
    """The header. Until the browser ends, or for so many minutes; 0 takes it away."""
    age = f"; Max-Age={minutes * 60}" if minutes is not None else ""
    secure = "; Secure" if is_https else ""
    return f"{name(base, is_https)}={value}; Path=/{age}{secure}; HttpOnly; SameSite=Lax"
