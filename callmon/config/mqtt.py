"""The connection settings of an MQTT broker, and the prefix of its topics.

The password is never in the configuration: `password()` reads it from a file or the environment on each call.
Refuses: to connect.
"""

import re
from pathlib import Path

from pydantic import PrivateAttr, field_validator

from callmon.config.hosts import Host
from callmon.config.secrets import PasswordSource, TlsClient, authorities
from callmon.config.validation import Found, setting
from callmon.errors import RefusedValueError, Sentence

PREFIX = re.compile(r"(?![$/])[^+#\s\x00-\x1f\x7f]+", re.ASCII)


class MqttSettings(TlsClient, PasswordSource):
    """[mqtt]"""

    WHAT, TLS_PORT = Sentence("the broker's password"), 8883
    _path: str = PrivateAttr(default="mqtt")

    host: Host | None = setting(
        "host name or address of the broker; when left out, callmon does not publish", None, min_length=1
    )
    port: int = setting("its port; when left out, 8883 with tls", 1883, ge=1, le=65535)
    username: str | None = setting("user name for the broker", None, min_length=1)
    password_file: Path | None = setting("file that holds the password", None)
    password_env: str | None = setting("environment variable that holds the password", None, min_length=1)
    client_id: str = setting("client ID; must be unique at the broker", "callmon", min_length=1, max_length=65535)
    prefix: str = setting("prefix of every topic", "callmon/")
    tls: bool = setting("encrypt with TLS, and verify the certificate that the broker presents", False)
    ca_file: Path | None = authorities()
    client_certificate: Path | None = setting("client certificate that callmon presents", None)
    client_key: Path | None = setting("its key; when left out, in the same file", None)
    max_waiting: int = setting(
        "most ended calls buffered in memory while the broker is unreachable; the oldest are dropped",
        1000,
        ge=1,
        unit="calls",
    )

    @field_validator("prefix")
    @classmethod
    def _topic(cls, value: str) -> str:
        if not PREFIX.fullmatch(value) or len(value) > 200:
            raise RefusedValueError(
                '"{value}" cannot begin a topic; write a prefix such as "callmon/", without +, # or blanks',
                value=value,
            )
        return value.rstrip("/") + "/"

    def _errors(self) -> Found:
        if self.host is None and self.model_fields_set - {"host"}:
            yield ("host",), Sentence("is missing; name the broker, or leave [mqtt] out")
        if self.username is None and (self.password_file is None) != (self.password_env is None):
            yield ("username",), Sentence("is missing beside the password; add it")
        yield from super()._errors()
