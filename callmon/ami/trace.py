"""Recordings of an exchange without the people in them: numbers, names, addresses and secrets replaced.

Message by message and consistently, so that a redacted recording tells the same story: `Redactor` remembers
who is who, `redacted` puts a whole stream through one. The lines' public numbers stay, and so do ids and
times: callmon's conclusions hang on them. Framing is on bytes; a tail that is no message is dropped, and so
is a message too large to be one.

Refuses: to keep a secret in any form, and to say who was who (`Redactor.forget` drops even that memory).
Pure: no I/O, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from callmon.ami import pseudonyms
from callmon.ami.protocol import END, Framer
from callmon.lines import Lines, forms

CRLF = b"\r\n"
REMOVED = b"removed"

# Headers by what they hold, in small letters.
_ID = re.compile(
    rb"(?:uniqueid|linkedid|bridgeid|callid|sessionid|timestamp|time|date|ntp|ssrc|lastcall|lastpause)$"
)
_SECRET = re.compile(
    rb"^(?:key|token|pin|challenge|expectedresponse|(?:received)?hash|response_?digest)$"
    rb"|(?:secret|(?<!using)password|passwd|receivedchallenge|sessiontoken)$"
)
_NAME = re.compile(rb"name$|^(?:nom|prenom)$")
_TECHNICAL_NAME = re.compile(
    rb"^(?:system|event|application|app|config|module|queue|channel|context|object|endpoint|aor|contact|file"
    rb"|variable|.*bridge)name$"
)
_FREE = frozenset(
    (
        *(b"appdata", b"lastdata", b"data", b"applicationdata", b"value", b"variable", b"chanvariable"),
        *(b"extra", b"userfield", b"callerid", b"message", b"messagebody", b"comment", b"subject"),
    )
)
# An id as Asterisk makes them, a time, a date: left alone. (Others can give a channel an id of their own,
# with a telephone number in it.)
_PLAIN_ID = re.compile(
    rb"\s*(?:[A-Za-z][A-Za-z0-9_-]{0,63}-)?1[0-9]{9}(?:\.[0-9]+)?|[0-9 :.-]{0,26}(?<![0-9]{7})\s*"
)
_ENDPOINT = re.compile(rb"[A-Za-z][A-Za-z0-9_]{0,15}/")
# Variables by what their value holds.
_SECRET_VARIABLE = re.compile(rb"secret|passw|(?:^|_)pin$|token", re.IGNORECASE)
_NAME_VARIABLE = re.compile(
    rb"(?:cid|caller|cnam|connectedline|dial(?:led|ed)).*name|\((?:all|name)[^)]*\)$|^_*(?:cname|cnam)$",
    re.IGNORECASE,
)
_QUOTED_NAME = re.compile(rb'(?P<name>"[^"]{1,256}"|[^"<>]{1,256}?)(?P<rest> ?<[^<>]{0,64}>)\s*')
_LOOKS_LIKE_NUMBER = re.compile(rb"[0-9+*#().\s-]+")

# One pass over a value. The first alternatives are ids that only look like numbers, and are left alone.
# Every quantifier is bounded: a hostile value of 64 KiB costs no more than its length.
_TOKEN = re.compile(
    rb"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    rb"|(?P<hex>0x[0-9a-fA-F]{1,16})"
    rb"|(?P<epoch>(?<![0-9+])1[0-9]{9}\.[0-9]+)"
    rb"|(?P<suffix>-0[0-9a-f]{7}(?![0-9a-zA-Z]))"
    rb"|(?P<sip>sips?:)(?:(?P<user>[^@\s<>,\"]{1,128})@)?(?P<host>\[[0-9a-fA-F:.]{2,64}\]|[A-Za-z0-9.-]{1,253})"
    rb"|(?P<mail>[A-Za-z0-9_.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})"
    rb"|(?P<v4>(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.]))"
    rb"|(?P<v6>(?<![0-9A-Za-z:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}(?![0-9A-Za-z:]))"
    rb"|(?P<written>(?<![0-9])\(?[0-9]{3}\)?[-. ] ?[0-9]{3}[-. ][0-9]{4}(?![0-9]))"
    rb"|(?P<plus>\+|%2[Bb])?(?P<digits>[0-9]{7,})"
)
_MAYBE = re.compile(rb"[0-9][0-9.]|[@:]")
_AS_IS = frozenset(("uuid", "hex", "epoch", "suffix"))


def redacted(chunks: Iterable[bytes], keep: Iterable[str] = (), region: str = "CA") -> Iterator[bytes]:
    """The same recording without the people in it. `keep`: the public numbers, as `public_numbers` has them."""
    framer, redactor, greeted = Framer(), Redactor(keep, region), False
    for chunk in chunks:
        messages = framer.receive(chunk)
        if framer.banner and not greeted:
            greeted = True
            yield framer.banner + CRLF
        for message in messages:
            yield redactor.message(message) + END


def public_numbers(lines: Lines, region: str = "CA") -> frozenset[str]:
    """What may stay: every form in which the lines' own numbers are delivered."""
    return frozenset(form for line in lines for form in forms(line, region))


class Redactor:
    """Redacts messages one after the other, and remembers whom it gave which stand-in."""

    def __init__(self, keep: Iterable[str] = (), region: str = "CA") -> None:
        self._numbers = pseudonyms.Numbers(keep, region)
        self._names = pseudonyms.names()
        self._people = pseudonyms.people()
        self._hosts = pseudonyms.hosts()
        self._v4 = pseudonyms.addresses()
        self._v6 = pseudonyms.addresses_v6()

    def message(self, message: bytes) -> bytes:
        """One whole message, without its ending. Never raises."""
        headers = [line.partition(b":") for line in message.split(CRLF)]
        kinds = [_kind(name.strip().lower()) if colon else "text" for name, colon, _ in headers]
        variable = next((v.strip() for n, _, v in headers if n.lower() == b"variable" and b"=" not in v), b"")
        people = self._people_in(headers, kinds)
        return CRLF.join(
            self._tokens(name) + colon + self._value(kind, name.lower(), value, variable, people)
            if colon
            else self._free(name, people)
            for kind, (name, colon, value) in zip(kinds, headers, strict=True)
        )

    def forget(self) -> None:
        """Drop the memory of who was who: from here on, everybody gets a stand-in anew."""
        for memory in (self._numbers, self._names, self._people, self._hosts, self._v4, self._v6):
            memory.forget()

    def _people_in(self, headers: list[tuple[bytes, bytes, bytes]], kinds: list[str]) -> list[bytes]:
        """The names that this message's headers give, the longest first: free text may repeat them."""
        found = {v.strip() for kind, (_, _, v) in zip(kinds, headers, strict=True) if kind == "name"}
        return sorted((n for n in found if len(n) > 2 and not _is_nobody(n)), key=len, reverse=True)

    def _value(self, kind: str, header: bytes, value: bytes, variable: bytes, people: list[bytes]) -> bytes:
        text = value.lstrip(b" ")
        space = value[: len(value) - len(text)]
        if kind == "free" and header == b"value" and variable:
            kind = _variable_kind(variable) or kind
        match kind:
            case "id" if _PLAIN_ID.fullmatch(value):
                return value
            case "secret":
                return space + REMOVED if text else value
            case "name":
                return space + self._name(text)
            case "free":
                return space + self._free(text, people)
        return space + self._tokens(text)

    def _name(self, name: bytes) -> bytes:
        if quoted := _QUOTED_NAME.fullmatch(name):  # CALLERID(all): "Zoé" <4165550101>
            return self._label(quoted["name"]) + self._tokens(quoted["rest"])
        return self._label(name)

    def _label(self, name: bytes) -> bytes:
        if len(name) > 2 and name[:1] == name[-1:] == b'"':
            return b'"' + self._label(name[1:-1]) + b'"'
        if _is_nobody(name):
            return self._tokens(name)
        return self._names.of(name.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _free(self, text: bytes, people: list[bytes]) -> bytes:
        """`CALLERID(name)=Zoé`, `SECRET=…`, `"Zoé" <416…>`, or any text. Nothing goes through twice."""
        variable, equals, value = text.partition(b"=")
        kind = _variable_kind(variable.strip()) if equals else None
        if kind == "secret":
            return self._tokens(variable) + equals + REMOVED
        if kind == "name":
            return self._tokens(variable) + equals + self._name(value)
        if _QUOTED_NAME.fullmatch(text):
            return self._name(text)
        if not people or not any(name in text for name in people):
            return self._tokens(text)
        either = b"|".join(re.escape(name) for name in people)
        parts = re.split(rb"(?<![A-Za-z0-9])(" + either + rb")(?![A-Za-z0-9])", text)
        return b"".join(self._label(p) if n % 2 else self._tokens(p) for n, p in enumerate(parts))

    def _tokens(self, text: bytes) -> bytes:
        return _TOKEN.sub(self._token, text) if len(text) > 6 and _MAYBE.search(text) else text

    def _token(self, found: re.Match[bytes]) -> bytes:
        kind = found.lastgroup or ""
        whole = found[0].decode("ascii", "surrogateescape")
        if kind in _AS_IS:
            return found[0]
        match kind:
            case "host":
                return self._sip(found)
            case "mail":
                return self._mail(whole).encode("ascii", "surrogateescape")
            case "v4":
                return self._address(whole).encode("ascii")
            case "v6":
                return self._address_v6(whole).encode("ascii")
            case "written":
                return self._written(whole).encode("ascii")
        digits = self._numbers.of(found["digits"].decode("ascii"), bool(found["plus"]))
        return (found["plus"] or b"") + digits.encode("ascii")

    def _sip(self, found: re.Match[bytes]) -> bytes:
        user, host = found["user"], found["host"].decode("ascii")
        if user is not None and b"." in user and not _LOOKS_LIKE_NUMBER.fullmatch(user):
            person = self._people.of(user.decode("utf-8", "surrogateescape")).partition("@")[0]
            user = person.encode("utf-8", "surrogateescape")
        elif user is not None:
            user = self._tokens(user)
        return found["sip"] + (user + b"@" if user is not None else b"") + self._host(host).encode("ascii")

    def _mail(self, address: str) -> str:
        user, _, host = address.partition("@")
        if user.isdigit():  # a number at an endpoint: no person's mail
            return (self._numbers.of(user) if len(user) >= 7 else user) + "@" + host
        return self._people.of(address)

    def _host(self, host: str) -> str:
        if host.startswith("["):
            return f"[{self._address_v6(host[1:-1])}]"
        if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", host):
            return self._address(host)
        if "." not in host:  # localhost; or sip:NUMBER, without any host
            return self._tokens(host.encode("ascii")).decode("ascii")
        return self._hosts.of(host)

    def _address(self, address: str) -> str:
        """Loopback and "any address" are nobody's."""
        return address if address.startswith(("127.", "0.0.0.0", "255.")) else self._v4.of(address)

    def _address_v6(self, address: str) -> str:
        return address if address in ("::", "::1") else self._v6.of(address)

    def _written(self, number: str) -> str:
        """416 555-0101: the stand-in, written in the same way."""
        digits = iter(self._numbers.of("".join(c for c in number if c.isdigit())))
        return "".join(next(digits) if c.isdigit() else c for c in number)


@lru_cache(maxsize=1024)
def _kind(header: bytes) -> str:
    if _SECRET.search(header):
        return "secret"
    if _ID.search(header):
        return "id"
    if _NAME.search(header) and not _TECHNICAL_NAME.search(header):
        return "name"
    return "free" if header in _FREE else "text"


def _variable_kind(variable: bytes) -> str | None:
    if _SECRET_VARIABLE.search(variable):
        return "secret"
    return "name" if _NAME_VARIABLE.search(variable) else None


def _is_nobody(name: bytes) -> bool:
    """No name of a person: empty, withheld, unknown, an endpoint; or a number (redacted as such)."""
    text = name.decode("utf-8", "replace")
    is_number = _LOOKS_LIKE_NUMBER.fullmatch(name) is not None
    return is_number or _ENDPOINT.match(name) is not None or pseudonyms.says_nothing(text)
