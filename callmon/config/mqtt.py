"""The connection settings of an MQTT broker, and the prefix of its topics.

The password is never in the configuration: `password()` reads it from a file or the environment on each call.
Refuses: to connect.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from callmon.config.secrets import SecretSource, tls_errors
from callmon.config.validation import InvalidSettingsError
from callmon.config.validation import Path as Place

PLAIN_PORT, TLS_PORT = 1883, 8883
OF_TLS = ("ca_file", "client_certificate", "client_key")
PREFIX = re.compile(r"(?![$/])[^+#\s\x00-\x1f\x7f]+", re.ASCII)


class MqttSettings(BaseModel):
    """[mqtt]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str | None = Field(
        default=None, min_length=1, description="name or address of the broker; when left out, none is told"
    )
    port: int = Field(default=PLAIN_PORT, ge=1, le=65535, description="its port; when left out, 8883 with tls")
    username: str | None = Field(default=None, min_length=1, description="who callmon says it is")
    password_file: Path | None = Field(default=None, description="file that holds the password")
    password_env: str | None = Field(
        default=None, min_length=1, description="environment variable that holds the password"
    )
    client_id: str = Field(
        default="callmon", min_length=1, max_length=65535, description="no two clients of a broker share one"
    )
    prefix: str = Field(default="callmon/", description="what every topic begins with")
    tls: bool = Field(default=False, description="encrypt, and check who answers")
    ca_file: Path | None = Field(default=None, description="who vouches for it; when left out, the system")
    client_certificate: Path | None = Field(default=None, description="certificate that callmon shows")
    client_key: Path | None = Field(default=None, description="its key; when left out, in the same file")
    max_waiting: int = Field(
        default=1000,
        ge=1,
        description="ended calls kept in memory while the broker is away; then the oldest are dropped",
        json_schema_extra={"unit": "calls"},
    )

    @field_validator("prefix")
    @classmethod
    def _topic(cls, value: str) -> str:
        if not PREFIX.fullmatch(value) or len(value) > 200:
            raise ValueError(
                f'"{value}" cannot begin a topic; write one such as "callmon/", without +, # or blanks'
            )
        return value.rstrip("/") + "/"

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tls") is True:
            return {"port": TLS_PORT, **data}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = {name: getattr(self, name) for name in OF_TLS}
        found = [*_no_host(self), *_password_errors(self), *tls_errors(self.tls, given)]
        if found:
            raise InvalidSettingsError(found)
        return self

    def password(self) -> str | None:
        """The password, read now; None when none is configured. Raises ConfigError when it cannot be read."""
        return self._kept().read() if self._is_kept() else None

    def password_warning(self) -> str | None:
        """A warning about how the password is stored, though it is usable; None without one."""
        return self._kept().warning() if self._is_kept() else None

    def _is_kept(self) -> bool:
        return self.password_file is not None or self.password_env is not None

    def _kept(self) -> SecretSource:
        return SecretSource("mqtt", "password", "the broker's password", self.password_file, self.password_env)


def _no_host(mqtt: MqttSettings) -> list[tuple[Place, str]]:
    if mqtt.host is None and mqtt.model_fields_set - {"host"}:
        return [(("host",), "is missing; name the broker, or leave [mqtt] out")]
    return []


def _password_errors(mqtt: MqttSettings) -> list[tuple[Place, str]]:
    match mqtt.password_file, mqtt.password_env:
        case Path(), str():
            return [(("password_file",), "is given beside password_env; keep one of the two")]
        case (Path(), None) | (None, str()) if mqtt.username is None:
            return [(("username",), "is missing beside the password; add it")]
    return []
