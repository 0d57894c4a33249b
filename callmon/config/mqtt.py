"""The connection settings of an MQTT broker, and the prefix of its topics.

The password is never in the configuration: `password()` reads it from a file or the environment on each call.
Refuses: to connect.
"""

import re
from pathlib import Path

from pydantic import Field, PrivateAttr, field_validator

from callmon.config.secrets import PasswordSource, TlsClient
from callmon.config.validation import Found

PREFIX = re.compile(r"(?![$/])[^+#\s\x00-\x1f\x7f]+", re.ASCII)


class MqttSettings(TlsClient, PasswordSource):
    """[mqtt]"""

    WHAT, TLS_PORT = "the broker's password", 8883
    _path: str = PrivateAttr(default="mqtt")

    host: str | None = Field(
        default=None,
        min_length=1,
        description="host name or address of the broker; when left out, callmon does not publish",
    )
    port: int = Field(default=1883, ge=1, le=65535, description="its port; when left out, 8883 with tls")
    username: str | None = Field(default=None, min_length=1, description="user name for the broker")
    password_file: Path | None = Field(default=None, description="file that holds the password")
    password_env: str | None = Field(
        default=None, min_length=1, description="environment variable that holds the password"
    )
    client_id: str = Field(
        default="callmon", min_length=1, max_length=65535, description="client ID; must be unique at the broker"
    )
    prefix: str = Field(default="callmon/", description="prefix of every topic")
    tls: bool = Field(
        default=False, description="encrypt with TLS, and verify the certificate that the broker presents"
    )
    ca_file: Path | None = Field(
        default=None, description="certificate authorities to trust, in PEM; when left out, those of the system"
    )
    client_certificate: Path | None = Field(default=None, description="client certificate that callmon presents")
    client_key: Path | None = Field(default=None, description="its key; when left out, in the same file")
    max_waiting: int = Field(
        default=1000,
        ge=1,
        description="most ended calls buffered in memory while the broker is unreachable; the oldest are dropped",
        json_schema_extra={"unit": "calls"},
    )

    @field_validator("prefix")
    @classmethod
    def _topic(cls, value: str) -> str:
        if not PREFIX.fullmatch(value) or len(value) > 200:
            raise ValueError(
                f'"{value}" cannot begin a topic; write a prefix such as "callmon/", without +, # or blanks'
            )
        return value.rstrip("/") + "/"

    def _errors(self) -> Found:
        if self.host is None and self.model_fields_set - {"host"}:
            yield ("host",), "is missing; name the broker, or leave [mqtt] out"
        if self.username is None and (self.password_file is None) != (self.password_env is None):
            yield ("username",), "is missing beside the password; add it"
        yield from super()._errors()
