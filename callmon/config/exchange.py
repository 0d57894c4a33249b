"""The connection settings of one exchange, and its naming of trunks, phones and mailboxes.

The secret is never in the configuration: `secret()` reads it from a file or the environment on each call. Refuses:
to connect.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from callmon.config.cel import CelSettings
from callmon.config.durations import Duration
from callmon.config.secrets import SecretSource, tls_errors
from callmon.config.validation import InvalidSettingsError
from callmon.config.validation import Path as Place

Patterns = tuple[str, ...]
PLAIN_PORT, TLS_PORT = 5038, 5039
OF_TLS = ("ca_file", "client_certificate", "client_key", "server_name")
# The settings that only interpret an exchange's events; all others belong to the connection.
UNDERSTOOD_BY = {
    *("trunks", "phones", "voicemail_contexts", "survey_extensions", "parking_extensions", "queue_languages"),
    *("dial_prefixes", "language_keys", "timezone", "cel"),
}


class ExchangeSettings(BaseModel):
    """[exchanges.NAME]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, description="name or address of the exchange")
    port: int = Field(default=PLAIN_PORT, ge=1, le=65535, description="its AMI port; when left out, 5039 with tls")
    username: str = Field(default="callmon", min_length=1, description="section of manager.conf")
    secret_file: Path | None = Field(default=None, description="file that holds the AMI secret")
    secret_env: str | None = Field(
        default=None, min_length=1, description="environment variable that holds the AMI secret"
    )
    login: Literal["md5", "plain"] = Field(
        default="md5", description="md5 answers a challenge; plain sends the secret itself"
    )
    tls: bool = Field(default=False, description="encrypt, and check who answers")
    ca_file: Path | None = Field(default=None, description="who vouches for it; when left out, the system")
    client_certificate: Path | None = Field(default=None, description="certificate that callmon shows")
    client_key: Path | None = Field(default=None, description="its key; when left out, in the same file")
    server_name: str | None = Field(default=None, description="name in its certificate, when not the host")
    ping_every: Duration = Field(default=timedelta(seconds=5), description="how often to ask whether it is up")
    ping_timeout: Duration = Field(default=timedelta(seconds=5), description="then it is taken for unheard")
    list_every: Duration = Field(
        default=timedelta(minutes=3), description="how often to look whether calls in progress are still there"
    )
    trunks: Patterns = Field(
        default=("PJSIP/trunk*",), min_length=1, description="endpoints that bring public calls (* and ?)"
    )
    phones: Patterns = Field(default=(), description="endpoints of phones; empty: all that are no trunk")
    voicemail_contexts: Patterns = Field(default=(), description="dialplan contexts that are voicemail")
    survey_extensions: Patterns = Field(default=(), description="a transfer there offers the survey")
    parking_extensions: Patterns = Field(default=("700",), description="a transfer there parks the call")
    queue_languages: dict[str, Literal["fr", "en"]] = Field(
        default={}, description="queues that a caller enters to be served in a language"
    )
    language_keys: dict[str, Literal["fr", "en"]] = Field(
        default={"1": "en", "2": "fr"},
        description="which language a key of a line's language menu asks for (CEL tells the key alone)",
    )
    timezone: str | None = Field(default=None, description="where its clock hangs; when left out, as callmon's")
    dial_prefixes: Patterns = Field(
        default=("9", "91", "9011"), description="what staff dial before an outside number"
    )

    cel: CelSettings = Field(default=CelSettings(), description="its own diary, from which gaps are filled")

    _name: str = PrivateAttr(default="")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f'"{value}" is no time zone; write one such as "America/Toronto"') from None
        return value

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tls") is True:
            return {"port": TLS_PORT, **data}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = [*_secret_errors(self), *tls_errors(self.tls, {name: getattr(self, name) for name in OF_TLS})]
        if found:
            raise InvalidSettingsError(found)
        return self

    def is_reached_as(self, other: ExchangeSettings) -> bool:
        """Whether a connection opened with the other settings serves these too."""
        return self.model_dump(exclude=UNDERSTOOD_BY) == other.model_dump(exclude=UNDERSTOOD_BY)

    def named(self, name: str) -> None:
        """Set the exchange's name, for error messages."""
        self._name = name

    def secret(self) -> str:
        """The AMI secret, read now. Raises ConfigError when it cannot be read or could not be sent."""
        return self._kept().read()

    def secret_source(self) -> str:
        """The location of the secret, without the secret."""
        return self._kept().source()

    def secret_warning(self) -> str | None:
        """A warning about how the secret is stored, though it is usable; None without one."""
        return self._kept().warning()

    def _kept(self) -> SecretSource:
        where = f"exchanges.{self._name}" if self._name else "exchange"
        return SecretSource(where, "secret", "the AMI secret", self.secret_file, self.secret_env)


def _secret_errors(exchange: ExchangeSettings) -> list[tuple[Place, str]]:
    match exchange.secret_file, exchange.secret_env:
        case None, None:
            return [(("secret_file",), 'is missing; name a file here, or a variable with secret_env = "…"')]
        case Path(), str():
            return [(("secret_file",), "is given beside secret_env; keep one of the two")]
    return []
