"""web.config_file: TLS and basic authentication of the listener, in the YAML of Prometheus' exporter-toolkit.

A relative path in the file starts from the file's folder. Refuses: to ignore a setting of the toolkit that callmon
cannot apply, and to repeat a password or its hash in a message.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from callmon.config import validation
from callmon.config.validation import Found, Table, not_utf_8, unreadable
from callmon.config.wording import placed
from callmon.errors import ConfigError, RefusedValueError, Sentence

BCRYPT = re.compile(r"\$2[abxy]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
# What the toolkit reads and Python's ssl, or callmon, has not.
NOT_APPLIED = {
    "tls_server_config": (
        *("cert", "key", "client_ca", "client_allowed_sans"),
        *("cipher_suites", "prefer_server_cipher_suites", "curve_preferences"),
    ),
    "http_server_config": ("headers",),
    "": ("rate_limit",),
}
TlsVersion = Literal["TLS12", "TLS13"]


def _bcrypt_hash(value: object) -> str:
    if not isinstance(value, str) or not BCRYPT.fullmatch(value):
        raise RefusedValueError('is no bcrypt hash; make one with: htpasswd -nBC 10 "" | tr -d ":\\n"')
    return value


class TlsServerConfig(Table):
    """tls_server_config"""

    cert_file: Path
    key_file: Path
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = (
        "NoClientCert"
    )
    client_ca_file: Path | None = None
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion = "TLS13"

    def _errors(self) -> Found:
        verifies = self.client_auth_type != "NoClientCert"
        if verifies and self.client_ca_file is None:
            text = Sentence("is missing beside client_auth_type; name the authorities to trust")
            yield ("client_ca_file",), text
        if self.client_ca_file is not None and not verifies:
            text = Sentence("is missing beside client_ca_file; write RequireAndVerifyClientCert")
            yield ("client_auth_type",), text
        if self.min_version > self.max_version:
            yield ("min_version",), Sentence("is above max_version, so that no client could connect")


class HttpServerConfig(Table):
    """http_server_config. callmon serves HTTP/1.1 alone, to which every client of HTTP/2 falls back."""

    http2: bool = True


class WebConfig(Table):
    """The whole file. Without the file, all of it is absent: no TLS, no users."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig | None = None
    basic_auth_users: dict[str, Annotated[str, BeforeValidator(_bcrypt_hash)]] = Field(default={}, repr=False)

    @field_validator("basic_auth_users", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return {} if value is None else value


def load_web_config(path: Path | None) -> WebConfig:
    """Read the file. Raises ConfigError with a sentence for each mistake."""
    if path is None:
        return WebConfig()
    data = _mapping(path)
    if found := list(_not_applied(data)):
        sentence = Sentence("callmon cannot apply this; leave it out")
        raise ConfigError(*(placed(placed(path, name), sentence) for name in found))
    tls = data.get("tls_server_config")
    if isinstance(tls, dict):
        anchored = {name: _anchored(name, value, path.parent) for name, value in tls.items()}
        data = {**data, "tls_server_config": anchored}
    try:
        return WebConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(*validation.sentences(error, WebConfig, str(path))) from None


def _mapping(path: Path) -> dict[str, Any]:
    import yaml  # type: ignore[import-untyped]  # it has no types; imported only where such a file is configured

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(placed("web.config_file", unreadable(path, error))) from None
    except UnicodeDecodeError as error:
        raise ConfigError(not_utf_8(path, error)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = Sentence(" in line {line}", line=mark.line + 1) if mark else ""
        raise ConfigError(placed(path, Sentence("not understood as YAML{where}", where=where))) from None
    if data is None:
        return {}
    sentence = Sentence("is no mapping; write one setting a line, as NAME: VALUE")
    if not isinstance(data, dict):
        raise ConfigError(placed(path, sentence))
    for name, value in data.items():
        if name in WebConfig.model_fields and not isinstance(value, dict | None):
            raise ConfigError(placed(placed(path, name), sentence))
    return data


def _not_applied(data: dict[str, Any]) -> list[str]:
    found = []
    for table, names in NOT_APPLIED.items():
        given = (data.get(table) or {}) if table else data
        found += [f"{table}.{name}".strip(".") for name in names if name in given]
    return found


def _anchored(name: str, value: Any, folder: Path) -> Any:
    return folder / value if name.endswith("_file") and isinstance(value, str) and value else value
