"""The mail server that the monthly report goes through, [mail], and the addresses that receive it.

The password is never in the configuration: `password()` reads it from a file or the environment on each call.
Refuses: to connect.
"""

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, PrivateAttr, model_validator

from callmon.config.hosts import Host
from callmon.config.secrets import PasswordSource, authorities
from callmon.config.validation import Found, setting
from callmon.errors import RefusedValueError, Sentence

EDITIONS = ("internal", "public")
USUAL_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def _address(value: str) -> str:
    if not ADDRESS.fullmatch(value) or len(value) > 254:
        raise RefusedValueError('"{value}" is no e-mail address; write it as "name@ministry.example"', value=value)
    return value


Address = Annotated[str, AfterValidator(_address)]


class MailSettings(PasswordSource):
    """[mail]"""

    WHOLE: ClassVar[bool] = True  # without a wrong address, its setting would seem to be missing (validation.py)
    WHAT = Sentence("the mail server's password")
    _path: str = PrivateAttr(default="mail")

    host: Host | None = setting(
        "host name or address of the mail server (SMTP); when left out, no report is mailed", None, min_length=1
    )
    port: int = setting("its port; when left out, 465 with implicit TLS, 25 without TLS", 587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = setting(
        "TLS after STARTTLS, from the first byte (implicit), or none; the certificate is verified", "starttls"
    )
    ca_file: Path | None = authorities()
    username: str | None = setting("user name for the mail server; when left out, no sign-in", None, min_length=1)
    password_file: Path | None = setting("file that holds the password", None)
    password_env: str | None = setting("environment variable that holds the password", None, min_length=1)
    sender: Address | None = setting("address that the mail comes from", None)
    internal_to: tuple[Address, ...] = setting("addresses that receive the internal report", ())
    public_to: tuple[Address, ...] = setting("addresses that receive the public edition", ())
    attach: tuple[Literal["csv", "xlsx", "html", "pdf", "json"], ...] = setting(
        "formats to attach, each in both languages; empty: only a link, which needs web.access.url", ("xlsx",)
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        port = USUAL_PORTS.get(str(data.get("tls", "starttls"))) if isinstance(data, dict) else None
        return data if port is None else {"port": port, **data}

    def recipients(self, edition: str) -> tuple[str, ...]:
        """The addresses that receive this edition, one of EDITIONS."""
        return self.internal_to if edition == "internal" else self.public_to

    def _errors(self) -> Found:
        yield from super()._errors()
        if self.host is None:
            if self.model_fields_set - {"host", "port"}:
                yield ("host",), Sentence("is missing; name the mail server, or leave [mail] out")
            return
        if self.sender is None:
            text = Sentence('is missing; write the address that the mail comes from, such as "callmon@…"')
            yield ("sender",), text
        if not self.internal_to and not self.public_to:
            yield ("internal_to",), Sentence("is missing, and public_to too; write who receives the report")
        for edition in EDITIONS:
            given = [address.casefold() for address in self.recipients(edition)]
            if len(given) != len(set(given)):
                yield (f"{edition}_to",), Sentence("has an address twice; each receives one mail")
        if (self.username is None) == self.has_secret():
            missing = "username" if self.username is None else "password_file"
            yield (missing,), Sentence("is missing; a sign-in needs the user name and the password")
        if self.tls == "none" and self.ca_file is not None:
            yield ("ca_file",), Sentence("means nothing without TLS; leave it out")
