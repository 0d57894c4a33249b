"""Redacts recordings of an exchange: numbers, names, addresses and secrets are replaced. Pure: no I/O, no clock.

Redaction is consistent across messages, so that a redacted recording yields the same facts. `Redactor` holds the
pseudonyms; `redacted` passes a whole stream through one. The lines' public numbers stay, because callmon's
verdicts depend on them. So do ids and times in their own headers. Pressed digits (DTMF) and set variables (VarSet)
are dropped as whole messages. Framing is on bytes; an incomplete last message and an oversized message are
dropped.

Refuses: to store a secret in any form, and to map a pseudonym back (`Redactor.reset` drops even the mapping).
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from callmon.ami.framing import END, Framer
from callmon.ami.pseudonyms import PseudonymsByKind
from callmon.config.lines import Lines, forms
from callmon.config.phone_numbers import is_withheld

CRLF = b"\r\n"
REMOVED = b"removed"

# Headers by the kind of their value, in lower case.
_ID = re.compile(rb"(?:uniqueid|linkedid|bridgeid|callid|sessionid|ntp|ssrc)$")
_TIME = re.compile(rb"(?:timestamp|time|date|lastcall|lastpause)$")
_SECRET = re.compile(
    rb"^(?:key|token|pin|challenge|expectedresponse|(?:received)?hash|response_?digest)$"
    rb"|(?:secret|(?<!using)password|passwd|receivedchallenge|sessiontoken)$"
)
_NAME = re.compile(
    rb"name$|accountcode$|^(?:nom|prenom|client|customer|caller|person|citizen|patient|appelant|citoyen)e?$"
)
_TECHNICAL_NAME = re.compile(
    rb"^(?:system|event|application|app|config|module|queue|channel|context|object|endpoint|aor|contact|file"
    rb"|variable|.*bridge)name$"
)
_FREE = frozenset(
    (
        b"appdata lastdata data applicationdata value variable chanvariable extra userfield "
        b"callerid message messagebody comment subject"
    ).split()
)
# An id in Asterisk's own form, a time, a date: not redacted. (An Originate can give a channel another id, with a
# telephone number in it.)
_PLAIN_ID = re.compile(
    rb"\s*(?P<system>[A-Za-z][A-Za-z0-9_-]{0,63}-)?1[0-9]{9}(?:\.[0-9]{1,10})?\s*|\s*\[?C-[0-9a-f]{8}\]?\s*"
)
_PLAIN_TIME = re.compile(
    rb"\s*+(?:1[0-9]{9}(?:\.[0-9]{1,6})?|[0-9]{1,6}|(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})?"
    rb"(?(day)[ T]?)(?:[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?)\s*"
)
# Events dropped as a whole: callmon reads none of them, and their values are what people pressed or typed.
_DROPPED = (b"Event: DTMF", b"Event: VarSet\r")
# A site can write anything into its own UserEvents: only Asterisk's headers of the channel stay, and the headers
# of callmon's interface.
_OWN_EVENT = re.compile(
    rb"^(?:event|userevent|privilege|timestamp|channel(?:state(?:desc)?)?|(?:callerid|connectedline)(?:num|name)"
    rb"|language|accountcode|context|exten|priority|uniqueid|linkedid)$"
)
_CALLMONS = frozenset((b"number", b"status", b"mailbox"))
# Applications whose arguments are digits or text for a person.
_SAYING = frozenset(
    (
        b"authenticate vmauthenticate saydigits saynumber sayalpha senddtmf senddtmftext userevent "
        b"noop verbose log sendtext messagesend system agi trysystem"
    ).split()
)
_VARIABLE = re.compile(rb"\s*_{0,2}[A-Za-z][A-Za-z0-9_]{0,63}(?:\([^()]{0,64}\))?\s*")
_TECHNICAL_VARIABLE = re.compile(
    rb"\s*_{0,2}(?:CDR\((?:answer|start|end|duration|billsec|disposition)(?:,[a-z]+)?\)|CALLERID\((?:num|dnid|ani"
    rb"|(?:num-|name-)?pres)\)|CHANNEL\([a-z]+\)|[A-Z]{4,16}STATUS|BRIDGEPEER|HANGUPCAUSE|X)\s*"
)
_TIME_VARIABLE = re.compile(rb"CDR\((?:answer|start|end)(?:,[a-z]+)?\)")
_ENDPOINT = re.compile(rb"[A-Za-z][A-Za-z0-9_]{0,15}/")
# Variables by the kind of their value.
_SECRET_VARIABLE = re.compile(rb"secret|passw|(?:^|_)pin$|token", re.IGNORECASE)
_NAME_VARIABLE = re.compile(
    rb"(?:cid|caller|cnam|connectedline|dial(?:led|ed)).*name|\((?:all|name)[^)]*\)$|^_*(?:cname|cnam)$",
    re.IGNORECASE,
)
_QUOTED_NAME = re.compile(rb'(?P<name>"[^"]{1,256}"|[^"<>]{1,256}?)(?P<rest> ?<[^<>]{0,64}>)\s*')
_LOOKS_LIKE_NUMBER = re.compile(rb"[0-9+*#().\s-]+")

# A channel's technology, and words that make a dotted peer name a host or trunk, not a person's name.
_TECHNOLOGY = rb"(?:PJSIP|SIP|IAX2|DAHDI|Local|SCCP|Skinny|Motif|OOH323|UnicastRTP|MulticastRTP)/"
_NO_PERSON = re.compile(
    rb"sip|trunk|voip|pstn|pbx|gw|gateway|telco|carrier|out|in|com|net|org|ca|fr", re.IGNORECASE
)
# Separators between the digits of a number: also no-break spaces, hyphens, dashes and marks, and their URI forms.
_BETWEEN = (
    rb"(?:[ \t().+/_-]|%(?:20|2[89BbDdEeFf])|\xc2[\xa0\xad]|\xe2\x80[\x80-\x95\xa8-\xaf]|\xe2\x81[\x9f-\xaf]"
    rb"|\xe2\x88\x92|\xe3\x80\x80|\xef\xbb\xbf|\xef\xbc\x8d)"
)

# One pass over a value. The first alternatives are ids that only look like numbers, and are not redacted.
# Every quantifier is bounded: a hostile value of 64 KiB takes time linear in its length.
_TOKEN = re.compile(
    rb"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    rb"|(?P<hex>0x[0-9a-fA-F]{1,16})"
    rb"|(?P<epoch>(?<![0-9+])1[0-9]{9}\.[0-9]+)"
    rb"|(?P<person>(?<![A-Za-z0-9])" + _TECHNOLOGY + rb"(?P<first>[A-Za-z]{2,32})\.(?P<last>[A-Za-z]{2,32})"
    rb"(?![A-Za-z0-9.]))(?P<tail>-0[0-9a-f]{7}(?![0-9a-zA-Z]))?"
    rb"|(?P<peer>(?<![A-Za-z0-9])" + _TECHNOLOGY + rb"[^\s,;&|]{1,80}?)(?P<suffix>-0[0-9a-f]{7}(?![0-9a-zA-Z]))"
    rb"|(?P<span>(?<![A-Za-z0-9])DAHDI/(?:i[0-9]{1,3}/)?)(?P<called>[0-9]{1,32})(?P<serial>-[0-9a-f]{1,8})"
    rb"(?![0-9a-zA-Z-])"
    rb"|(?P<sip>sips?:)(?:(?P<user>[^@\s<>,\"]{1,128})@)?(?P<host>\[[0-9a-fA-F:.]{2,64}\]|[A-Za-z0-9.-]{1,253})"
    rb"|(?P<mail>[A-Za-z0-9_.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})"
    rb"|(?P<user_name>(?<![A-Za-z0-9._-])[A-Za-z]{2,32}\.[A-Za-z]{2,32}(?![A-Za-z0-9.-]))"
    rb"|(?P<v4>(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.]))"
    rb"|(?P<v6>(?<![0-9A-Za-z:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}(?![0-9A-Za-z:]))"
    rb"|(?P<plus>\+|%2[Bb])?(?P<digits>[0-9](?:" + _BETWEEN + rb"{0,6}[0-9]){6,})"
)
_MAYBE = re.compile(rb"[0-9]|[@:]|[A-Za-z]\.[A-Za-z]")
_AS_IS = frozenset(("uuid", "hex", "epoch"))
_SEPARATOR = re.compile(_BETWEEN + rb"+")


def redacted(chunks: Iterable[bytes], keep: Iterable[str] = (), region: str = "CA") -> Iterator[bytes]:
    """The redacted recording, in chunks. `keep`: the public numbers, in the forms of `public_numbers`."""
    framer = Framer()
    redactor = Redactor(keep, region)
    greeted = False
    for chunk in chunks:
        messages = framer.receive(chunk)
        if framer.banner and not greeted:
            greeted = True
            yield framer.banner + CRLF
        for message in filter(is_kept, messages):
            yield redactor.message(message) + END


def is_kept(message: bytes) -> bool:
    """False for pressed digits and set variables: nothing of these messages is written."""
    return not message.lstrip(b"\r\n").startswith(_DROPPED)


def public_numbers(lines: Lines, region: str = "CA") -> frozenset[str]:
    """The numbers that may stay: every form in which the lines' own numbers are delivered."""
    return frozenset(form for line in lines for form in forms(line, region))


class Redactor:
    """Redacts messages one by one, and stores the pseudonym of each value."""

    def __init__(self, keep: Iterable[str] = (), region: str = "CA") -> None:
        self._given = frozenset(keep), region
        self.reset()

    def reset(self) -> None:
        """Drop all pseudonyms: from here on, every value gets a new one."""
        self._pools = PseudonymsByKind(*self._given)

    def message(self, message: bytes) -> bytes:
        """Redact one whole message, without its CR LF CR LF. Never raises."""
        headers = [line.partition(b":") for line in message.split(CRLF)]
        kinds = [_kind(name.strip().lower()) if colon else "text" for name, colon, _ in headers]
        said = {name.strip().lower(): value.strip() for name, _, value in reversed(headers)}
        variable = said.get(b"variable", b"") if b"=" not in said.get(b"variable", b"") else b""
        if said.get(b"event") == b"UserEvent":
            kinds = _of_own_event(headers, kinds, said.get(b"userevent", b""))
        if said.get(b"application", b"").lower() in _SAYING:
            kinds = [
                "secret" if n.lower() == b"appdata" else k for k, (n, _, _) in zip(kinds, headers, strict=True)
            ]
        named = {v.strip() for kind, (_, _, v) in zip(kinds, headers, strict=True) if kind == "name"}
        # The longest first: free text may repeat them.
        people = sorted((n for n in named if len(n) > 2 and not _is_nobody(n)), key=len, reverse=True)
        return CRLF.join(
            self._tokens(name) + colon + self._value(kind, name.lower(), value, variable, people)
            if colon
            else self._free(name, people)
            for kind, (name, colon, value) in zip(kinds, headers, strict=True)
        )

    def _value(self, kind: str, header: bytes, value: bytes, variable: bytes, people: list[bytes]) -> bytes:
        text = value.lstrip(b" ")
        space = value[: len(value) - len(text)]
        if kind == "free" and header == b"value" and variable:
            kind = _variable_kind(variable) or ("free" if _TECHNICAL_VARIABLE.fullmatch(variable) else "secret")
        match kind:
            case "id" if (found := _PLAIN_ID.fullmatch(value)) and self._is_plain(found["system"]):
                return value
            case "time" if _PLAIN_TIME.fullmatch(value):
                return value
            case "secret":
                return space + REMOVED if text else value
            case "name":
                return space + self._name(text)
            case "free":
                return space + self._free(text, people)
        return space + self._tokens(text)

    def _is_plain(self, system: bytes | None) -> bool:
        return system is None or self._tokens(system) == system

    def _name(self, name: bytes) -> bytes:
        if quoted := _QUOTED_NAME.fullmatch(name):  # CALLERID(all): "Zoé" <4165550101>
            return self._label(quoted["name"]) + self._tokens(quoted["rest"])
        return self._label(name)

    def _label(self, name: bytes) -> bytes:
        if len(name) > 2 and name[:1] == name[-1:] == b'"':
            return b'"' + self._label(name[1:-1]) + b'"'
        if _is_nobody(name):
            return self._tokens(name)
        return self._pools.names.pseudonym_of(name.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )

    def _free(self, text: bytes, people: list[bytes]) -> bytes:
        """Redact `CALLERID(name)=Zoé`, `SECRET=…`, `"Zoé" <416…>`, or any text. Nothing is redacted twice."""
        variable, equals, value = text.partition(b"=")
        kind = _variable_kind(variable.strip()) if equals else None
        if kind == "secret":
            return self._tokens(variable) + equals + REMOVED
        if kind == "name":
            return self._tokens(variable) + equals + self._name(value)
        if kind == "time" and _PLAIN_TIME.fullmatch(value):
            return text
        if equals and _VARIABLE.fullmatch(variable) and not _TECHNICAL_VARIABLE.fullmatch(variable):
            return self._tokens(variable) + equals + (REMOVED if value else b"")
        if _QUOTED_NAME.fullmatch(text):
            return self._name(text)
        if not people or not any(name in text for name in people):
            return self._tokens(text)
        either = b"|".join(re.escape(name) for name in people)
        parts = re.split(rb"(?<![A-Za-z0-9])(" + either + rb")(?![A-Za-z0-9])", text)
        return b"".join(self._label(p) if n % 2 else self._tokens(p) for n, p in enumerate(parts))

    def _tokens(self, text: bytes) -> bytes:
        return _TOKEN.sub(self._token, text) if len(text) > 4 and _MAYBE.search(text) else text

    def _token(self, found: re.Match[bytes]) -> bytes:
        kind = found.lastgroup or ""
        text = found[0].decode("ascii", "surrogateescape")
        if kind in _AS_IS:
            return found[0]
        match kind:
            case "host":
                return self._sip(found)
            case "mail":
                return self._mail(text).encode("ascii", "surrogateescape")
            case "user_name":
                return self._user_name(text).encode("ascii")
            case "v4":
                return self._address(text).encode("ascii")
            case "v6":
                return self._address_v6(text).encode("ascii")
            case "person" | "tail":
                return self._peer(found) + (found["tail"] or b"")
            case "suffix":
                return self._tokens(found["peer"]) + found["suffix"]
            case "serial":
                return found["span"] + self._tokens(found["called"]) + found["serial"]
        return (found["plus"] or b"") + self._written(found["digits"], bool(found["plus"]))

    def _peer(self, found: re.Match[bytes]) -> bytes:
        """Redact a peer named after a person, such as PJSIP/jean.tremblay."""
        if _NO_PERSON.fullmatch(found["first"]) or _NO_PERSON.fullmatch(found["last"]):
            return found["person"]
        technology, _, name = found["person"].partition(b"/")
        person = self._pools.people.pseudonym_of(name.decode("ascii")).partition("@")[0]
        return technology + b"/" + person.encode("ascii")

    def _sip(self, found: re.Match[bytes]) -> bytes:
        user, host = found["user"], found["host"].decode("ascii")
        if user is not None and b"." in user and not _LOOKS_LIKE_NUMBER.fullmatch(user):
            person = self._pools.people.pseudonym_of(user.decode("utf-8", "surrogateescape")).partition("@")[0]
            user = person.encode("utf-8", "surrogateescape")
        elif user is not None:
            user = self._tokens(user)
        return found["sip"] + (user + b"@" if user is not None else b"") + self._host(host).encode("ascii")

    def _mail(self, address: str) -> str:
        user, _, host = address.partition("@")
        if user.isdigit():  # a number at an endpoint, not a person's mail address
            return (self._pools.numbers.pseudonym_of(user) if len(user) >= 7 else user) + "@" + host
        return self._pools.people.pseudonym_of(address)

    def _user_name(self, name: str) -> str:
        """Redact jean.tremblay as a caller ID, a mailbox or a dial string, once a peer had that name."""
        return self._pools.people.pseudonym_of(name).partition("@")[0] if name in self._pools.people else name

    def _host(self, host: str) -> str:
        if host.startswith("["):
            return f"[{self._address_v6(host[1:-1])}]"
        if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", host):
            return self._address(host)
        if "." not in host:  # localhost, or sip:NUMBER without a host
            return self._tokens(host.encode("ascii")).decode("ascii")
        return self._pools.hosts.pseudonym_of(host)

    def _address(self, address: str) -> str:
        """Redact an IPv4 address; loopback, "any" and broadcast addresses stay."""
        return address if address.startswith(("127.", "0.0.0.0", "255.")) else self._pools.v4.pseudonym_of(address)

    def _address_v6(self, address: str) -> str:
        return address if address in ("::", "::1") else self._pools.v6.pseudonym_of(address)

    def _written(self, number: bytes, international: bool) -> bytes:
        """The pseudonym with the number's separators (416 555-0101). Its length may differ from the number's."""
        between = _SEPARATOR.findall(number)
        parts = _SEPARATOR.split(number)
        given = self._pools.numbers.pseudonym_of(b"".join(parts).decode("ascii"), international).encode("ascii")
        said = b""
        for part, separator in zip(parts, [*between, b""], strict=True):
            last = not separator
            said += given if last else given[: len(part)] + separator * bool(given)
            given = given[len(part) :]
        return said


def _of_own_event(headers: list[tuple[bytes, bytes, bytes]], kinds: list[str], event: bytes) -> list[str]:
    """Treat the headers that a site added to its own UserEvent as secrets."""
    ours = _CALLMONS if event.startswith(b"Callmon") else frozenset()
    names = [name.strip().lower() for name, _, _ in headers]
    return [k if _OWN_EVENT.search(n) or n in ours else "secret" for k, n in zip(kinds, names, strict=True)]


@lru_cache(maxsize=1024)
def _kind(header: bytes) -> str:
    if _SECRET.search(header):
        return "secret"
    if _ID.search(header):
        return "id"
    if _TIME.search(header):
        return "time"
    if _NAME.search(header) and not _TECHNICAL_NAME.search(header):
        return "name"
    return "free" if header in _FREE else "text"


def _variable_kind(variable: bytes) -> str | None:
    if _SECRET_VARIABLE.search(variable):
        return "secret"
    if _TIME_VARIABLE.fullmatch(variable):
        return "time"
    return "name" if _NAME_VARIABLE.search(variable) else None


def _is_nobody(name: bytes) -> bool:
    """Whether this is no person's name: empty, withheld, unknown, an endpoint, or a number (redacted as one)."""
    text = name.decode("utf-8", "replace")
    is_number = _LOOKS_LIKE_NUMBER.fullmatch(name) is not None
    return is_number or _ENDPOINT.match(name) is not None or is_withheld(text, None) is not None
