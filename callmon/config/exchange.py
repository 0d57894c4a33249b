"""The connection settings of one exchange and of its CEL, and its naming of trunks, phones and mailboxes.

No secret is in the configuration: `secret()` and `password()` read it from a file or the environment on each call.
Refuses: to connect.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator

from callmon.config.hosts import Host
from callmon.config.secrets import PasswordSource, TlsClient, authorities
from callmon.config.times import Duration
from callmon.config.validation import Found, setting
from callmon.config.wording import ADDRESS, UNREADABLE, holds_password
from callmon.errors import RefusedValueError, Sentence

Patterns = tuple[str, ...]
# The settings that only interpret an exchange's events; all others belong to the connection.
UNDERSTOOD_BY = {
    *("trunks", "phones", "voicemail_contexts", "survey_extensions", "parking_extensions", "queue_languages"),
    *("dial_prefixes", "language_keys", "rings_within", "timezone", "cel"),
}


# Zones of POSIX: rules without a place, and so without the changes that a place made and will make.
_PLACES = {
    "EST": "America/Toronto",
    "EST5EDT": "America/Toronto",
    "CST6CDT": "America/Winnipeg",
    "MST": "America/Edmonton",
    "MST7MDT": "America/Edmonton",
    "PST8PDT": "America/Vancouver",
}


def time_zone(name: str) -> str:
    """The name. Raises RefusedValueError where it is no zone of a place, with a suggestion."""
    if name in _PLACES:
        raise RefusedValueError('"{name}" names no place; {hint}', name=name, hint=_zone_meant(name))
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RefusedValueError('"{name}" is no time zone; {hint}', name=name, hint=_zone_meant(name)) from None
    return name


def _zone_meant(name: str) -> Sentence:
    """A suggestion for a city alone ("Toronto") or a typing error; no suggestion from a less similar text."""
    zones = sorted(available_timezones())
    cities = [zone for zone in zones if zone.rpartition("/")[2].casefold() == name.casefold()]
    near = [_PLACES[name]] if name in _PLACES else cities or get_close_matches(name[:40], zones, n=1, cutoff=0.8)
    if near:
        return Sentence('did you mean "{near}"?', near=near[0])
    return Sentence('write one such as "America/Toronto"')


TimeZone = Annotated[str, AfterValidator(time_zone)]


class CelSettings(PasswordSource):
    """[exchanges.NAME.cel]: a file that cel_custom writes, or a table in a database."""

    file: str | None = setting(
        "file that cel_custom writes; * and ? match rotated files", None, min_length=1, is_file=True
    )
    url: str | None = setting(
        "or the database that holds it: mysql://USER@HOST/asteriskcdrdb, postgresql://…, sqlite:///FILE",
        None,
        pattern=r"^(mysql|mariadb|postgresql|sqlite)://",
        is_file=True,
    )
    table: str = setting("table with the rows of CEL", "cel", min_length=1)
    password_file: Path | None = setting("file that holds the database's password", None)
    password_env: str | None = setting(
        "environment variable that holds the database's password", None, min_length=1
    )
    numbers: bool = setting(
        "store numbers of calls known from CEL, queue_log or CDR alone; these do not mark withheld numbers", True
    )
    wait: Duration = setting("delay between the end of a gap and reading its rows", "5s")

    @property
    def is_on(self) -> bool:
        return self.file is not None or self.url is not None

    def _errors(self) -> Found:
        if self.file is not None and self.url is not None:
            yield ("url",), Sentence("is given beside {other}; keep one of the two", other="file")
        elif not self.is_on and self.model_fields_set:
            text = Sentence("is missing; name the file, name the database with url, or remove the table")
            yield ("file",), text
        elif self.url is not None and not ADDRESS.fullmatch(self.url):
            yield ("url",), UNREADABLE
        elif self.url is not None and holds_password(self.url):
            text = Sentence("holds a password; put it in a file, and name that file as password_file")
            yield ("url",), text
        yield from super()._errors()


class ExchangeSettings(TlsClient, PasswordSource):
    """[exchanges.NAME]"""

    STEM = "secret"
    WHAT = Sentence("the AMI secret")
    TLS_PORT = 5039
    OF_TLS: ClassVar[tuple[str, ...]] = (*TlsClient.OF_TLS, "server_name")

    host: Host = setting("host name or address of the exchange", min_length=1)
    port: int = setting("its AMI port; when left out, 5039 with tls", 5038, ge=1, le=65535)
    username: str = setting("AMI user: its section in manager.conf", "callmon", min_length=1)
    secret_file: Path | None = setting("file that holds the AMI secret", None)
    secret_env: str | None = setting("environment variable that holds the AMI secret", None, min_length=1)
    login: Literal["md5", "plain"] = setting(
        "login method: md5 answers a challenge, plain sends the secret itself", "md5"
    )
    tls: bool = setting("encrypt with TLS, and verify the certificate that the exchange presents", False)
    ca_file: Path | None = authorities()
    client_certificate: Path | None = setting("client certificate that callmon presents", None)
    client_key: Path | None = setting("its key; when left out, in the same file", None)
    server_name: str | None = setting("name in its certificate, when it differs from host", None)
    ping_every: Duration = setting("interval of Ping", "5s")
    ping_timeout: Duration = setting("without an answer for this long, the exchange counts as unheard", "5s")
    list_every: Duration = setting("interval of the check that calls in progress still exist", "3m")
    trunks: Patterns = setting(
        "endpoints of trunks that deliver public calls; * and ? are wildcards", ("PJSIP/trunk*",), min_length=1
    )
    phones: Patterns = setting("endpoints of phones; empty: every endpoint that is no trunk", ())
    voicemail_contexts: Patterns = setting("dialplan contexts that are voicemail", ())
    survey_extensions: Patterns = setting("a transfer there offers the survey", ())
    parking_extensions: Patterns = setting("a transfer there parks the call", ("700",))
    queue_languages: dict[str, Literal["fr", "en"]] = setting(
        "queues that serve one language, with that language", {}
    )
    language_keys: dict[str, Literal["fr", "en"]] = setting(
        "language that each key of a line's language menu selects; CEL records only the key",
        {"1": "en", "2": "fr"},
    )
    rings_within: Duration | None = setting(
        "every phone rings within this time of being dialled; CEL has no ringing, and without this no start of it",
        None,
    )
    timezone: TimeZone | None = setting("time zone of the exchange; when left out, callmon's", None)
    dial_prefixes: Patterns = setting("prefixes that staff dial before an outside number", ("9", "91", "9011"))

    cel: CelSettings = setting("its CEL, from which callmon fills gaps", {})

    def _errors(self) -> Found:
        if not self.has_secret():
            yield (
                ("secret_file",),
                Sentence(
                    'is missing; name the file with the secret, or an environment variable with secret_env = "…"'
                ),
            )
        yield from super()._errors()

    def is_reached_as(self, other: ExchangeSettings) -> bool:
        """Whether a connection opened with the other settings serves these too."""
        return self.model_dump(exclude=UNDERSTOOD_BY) == other.model_dump(exclude=UNDERSTOOD_BY)
