"""The connection settings of one exchange, and its naming of trunks, phones and mailboxes.

The secret is never in the configuration: `secret()` reads it from a file or the environment on each call. Refuses:
to connect.
"""

from __future__ import annotations

from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field

from callmon.config.cel import CelSettings
from callmon.config.durations import Duration
from callmon.config.secrets import PasswordSource, TlsClient
from callmon.config.validation import Found

Patterns = tuple[str, ...]
# The settings that only interpret an exchange's events; all others belong to the connection.
UNDERSTOOD_BY = {
    *("trunks", "phones", "voicemail_contexts", "survey_extensions", "parking_extensions", "queue_languages"),
    *("dial_prefixes", "language_keys", "timezone", "cel"),
}


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'"{name}" is no time zone; {_zone_meant(name)}') from None
    return name


def _zone_meant(name: str) -> str:
    """A suggestion for a city alone ("Toronto") or a typing error; no suggestion from a less similar text."""
    zones = sorted(available_timezones())
    cities = [zone for zone in zones if zone.rpartition("/")[2].casefold() == name.casefold()]
    near = cities or get_close_matches(name[:40], zones, n=1, cutoff=0.8)
    return f'did you mean "{near[0]}"?' if near else 'write one such as "America/Toronto"'


TimeZone = Annotated[str, AfterValidator(_zone)]


class ExchangeSettings(TlsClient, PasswordSource):
    """[exchanges.NAME]"""

    STEM, WHAT, TLS_PORT = "secret", "the AMI secret", 5039
    OF_TLS: ClassVar[tuple[str, ...]] = (*TlsClient.OF_TLS, "server_name")

    host: str = Field(min_length=1, description="host name or address of the exchange")
    port: int = Field(default=5038, ge=1, le=65535, description="its AMI port; when left out, 5039 with tls")
    username: str = Field(default="callmon", min_length=1, description="AMI user: its section in manager.conf")
    secret_file: Path | None = Field(default=None, description="file that holds the AMI secret")
    secret_env: str | None = Field(
        default=None, min_length=1, description="environment variable that holds the AMI secret"
    )
    login: Literal["md5", "plain"] = Field(
        default="md5", description="login method: md5 answers a challenge, plain sends the secret itself"
    )
    tls: bool = Field(
        default=False, description="encrypt with TLS, and verify the certificate that the exchange presents"
    )
    ca_file: Path | None = Field(
        default=None, description="certificate authorities to trust, in PEM; when left out, those of the system"
    )
    client_certificate: Path | None = Field(default=None, description="client certificate that callmon presents")
    client_key: Path | None = Field(default=None, description="its key; when left out, in the same file")
    server_name: str | None = Field(default=None, description="name in its certificate, when it differs from host")
    ping_every: Duration = Field(default=timedelta(seconds=5), description="interval of Ping")
    ping_timeout: Duration = Field(
        default=timedelta(seconds=5), description="without an answer for this long, the exchange counts as unheard"
    )
    list_every: Duration = Field(
        default=timedelta(minutes=3), description="interval of the check that calls in progress still exist"
    )
    trunks: Patterns = Field(
        default=("PJSIP/trunk*",),
        min_length=1,
        description="endpoints of trunks that deliver public calls; * and ? are wildcards",
    )
    phones: Patterns = Field(default=(), description="endpoints of phones; empty: every endpoint that is no trunk")
    voicemail_contexts: Patterns = Field(default=(), description="dialplan contexts that are voicemail")
    survey_extensions: Patterns = Field(default=(), description="a transfer there offers the survey")
    parking_extensions: Patterns = Field(default=("700",), description="a transfer there parks the call")
    queue_languages: dict[str, Literal["fr", "en"]] = Field(
        default={}, description="queues that serve one language, with that language"
    )
    language_keys: dict[str, Literal["fr", "en"]] = Field(
        default={"1": "en", "2": "fr"},
        description="language that each key of a line's language menu selects; CEL records only the key",
    )
    timezone: TimeZone | None = Field(
        default=None, description="time zone of the exchange; when left out, callmon's"
    )
    dial_prefixes: Patterns = Field(
        default=("9", "91", "9011"), description="prefixes that staff dial before an outside number"
    )

    cel: CelSettings = Field(default=CelSettings(), description="its CEL, from which callmon fills gaps")

    def _errors(self) -> Found:
        if not self.has_secret():
            yield (
                ("secret_file",),
                'is missing; name the file with the secret, or an environment variable with secret_env = "…"',
            )
        yield from super()._errors()

    def is_reached_as(self, other: ExchangeSettings) -> bool:
        """Whether a connection opened with the other settings serves these too."""
        return self.model_dump(exclude=UNDERSTOOD_BY) == other.model_dump(exclude=UNDERSTOOD_BY)
