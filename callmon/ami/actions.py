"""AMI actions as bytes, and any message as its headers. Not for the event path: `decoding` is. No I/O."""

import hashlib
from collections.abc import Mapping


def format_action(fields: Mapping[str, str]) -> bytes | None:
    """The action's bytes. None when a field contains a line break, which would begin another field."""
    text = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    if text.count("\r") != len(fields) or text.count("\n") != len(fields):
        return None
    return text.encode() + b"\r\n"


def parse_headers(message: bytes) -> dict[str, str]:
    """The headers of a whole message. Invalid UTF-8 becomes U+FFFD; the last of equal names wins."""
    lines = (line.partition(":") for line in message.decode("utf-8", "replace").split("\r\n"))
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def login_key(challenge: str, secret: str) -> str:
    """The proof that answers the challenge of a login by MD5."""
    return hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
