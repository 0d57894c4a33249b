"""SIP messages: parse, format, answer, sign. No I/O and no call state.

Text is latin-1 throughout, so that every byte of a caller's name stays unchanged.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    480: "Temporarily Unavailable",
    481: "Call Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    603: "Decline",
}
SHORT_NAMES = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "c": "content-type"}


@dataclass
class Message:
    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def status(self) -> int | None:
        """The code of a response; None for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        return self.get("cseq").split()[-1] if self.status else self.start.split()[0]

    @property
    def uri(self) -> str:
        return self.start.split()[1]

    @property
    def branch(self) -> str:
        found = re.search(r"branch=([^;,\s]+)", self.get("via"))
        return found.group(1) if found else ""

    @property
    def cseq(self) -> int:
        return int(self.get("cseq").split()[0])


def parse(data: bytes) -> Message:
    head, _, body = data.decode("latin-1").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers.append((SHORT_NAMES.get(name, name), value.strip()))
    return Message(start, headers, body)


def write(message: Message) -> bytes:
    body = message.body.encode("latin-1")
    lines = [message.start, *(f"{name}: {value}" for name, value in message.headers)]
    if body:
        lines.append("content-type: application/sdp")
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def answer(request: Message, code: int, tag: str, contact: str, body: str = "") -> Message:
    """A response to a request, with the headers that it must copy from the request."""
    headers = [("via", via) for via in request.all("via")]
    headers += [("record-route", route) for route in request.all("record-route")]
    to = request.get("to")
    if "tag=" not in to and code > 100:
        to = f"{to};tag={tag}"
    headers += [("from", request.get("from")), ("to", to), ("call-id", request.get("call-id"))]
    headers += [("cseq", request.get("cseq")), ("contact", f"<{contact}>")]
    return Message(f"SIP/2.0 {code} {REASONS.get(code, 'So Be It')}", headers, body)


def address(value: str) -> str:
    """The URI inside a From, To or Contact header."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def user(uri: str) -> str:
    found = re.match(r"sips?:([^@;>]*)@", uri)
    return found.group(1) if found else ""


def new_branch() -> str:
    return f"z9hG4bK{secrets.token_hex(8)}"


def offer(host: str, port: int, direction: str = "sendrecv") -> str:
    """An SDP body: one stream of PCMU with keys as RTP events."""
    return (
        f"v=0\r\no=lab 1 {secrets.randbelow(10**6)} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        f"a=fmtp:101 0-16\r\na={direction}\r\n"
    )


def outcome_of_refer(body: str) -> int:
    """The SIP status of a transfer in a NOTIFY (sipfrag); 0 if it has none."""
    found = re.match(r"SIP/2\.0 (\d{3})", body)
    return int(found.group(1)) if found else 0


def media_address(body: str) -> tuple[str, int] | None:
    host = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", body, re.MULTILINE)
    return (host.group(1), int(port.group(1))) if host and port else None


def sign(challenge: str, method: str, uri: str, name: str, password: str) -> str:
    """The answer to a digest challenge (RFC 2617, MD5)."""
    asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    realm, nonce = asked["realm"], asked["nonce"]
    secret, target = _md5(f"{name}:{realm}:{password}"), _md5(f"{method}:{uri}")
    given = f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
    if "opaque" in asked:
        given += f', opaque="{asked["opaque"]}"'
    if "qop" not in asked:
        return f'{given}, response="{_md5(f"{secret}:{nonce}:{target}")}"'
    own = secrets.token_hex(8)
    response = _md5(f"{secret}:{nonce}:00000001:{own}:auth:{target}")
    return f'{given}, qop=auth, nc=00000001, cnonce="{own}", response="{response}"'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("latin-1"), usedforsecurity=False).hexdigest()


def destination(message: Message) -> tuple[str, int] | None:
    """The destination: of a response, the request's origin; of a request, the address that it names."""
    text = message.start if message.status is None else message.get("via")
    found = re.search(r"([\d.]+):(\d+)", text)
    return (found.group(1), int(found.group(2))) if found else None
