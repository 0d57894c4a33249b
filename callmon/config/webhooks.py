"""The webhooks: where each sends which events, [webhooks.NAME], and the secret that signs them.

The secret is never in the configuration: `secret()` reads it from a file or the environment on each use.
Refuses: to connect.
"""

import re
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, get_args

from pydantic import field_validator

from callmon.config.secrets import PasswordSource
from callmon.config.validation import Found, setting
from callmon.errors import RefusedValueError, Sentence

EventName: TypeAlias = Literal[
    "call.missed", "message.left", "callback.due_soon", "callback.overdue", "callback.done",
    "disruption.begun", "disruption.ended", "month.final",
]  # fmt: skip
EVENTS: tuple[EventName, ...] = get_args(EventName)
ADDRESS = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[!-~]*)?")


class SecretAddress(str):
    """An address whose path may be a secret."""

    def shown(self) -> str:
        """The address without its path: https://hooks.slack.example/…"""
        return f"{'/'.join(self.split('/')[:3])}/…"


class WebhookSettings(PasswordSource):
    """[webhooks.NAME]"""

    STEM: ClassVar[str] = "secret"
    WHAT = Sentence("the secret that signs the webhook's messages")

    url: str = setting("address that receives the events: https://…", repr=False)
    secret_file: Path | None = setting("file that holds the secret: whsec_ and 24 to 64 bytes in base64", None)
    secret_env: str | None = setting("environment variable that holds the secret", None, min_length=1)
    events: tuple[EventName, ...] = setting("events to send", EVENTS, min_length=1)
    lines: tuple[str, ...] = setting("lines whose events are sent; when left out, every line", ())
    format: Literal["standard", "slack", "teams", "ntfy", "zammad"] = setting(
        "form of a message: standard (JSON, signed), or the one that this program expects", "standard"
    )
    allow_private: bool = setting(
        "the address may be on this machine or network, and without TLS; otherwise it is refused", False
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> SecretAddress:
        if not ADDRESS.fullmatch(value):  # not repeated: it may hold a secret
            raise RefusedValueError('is no address of a program; write it as "https://desk.example/hook"')
        return SecretAddress(value)

    def _errors(self) -> Found:
        yield from super()._errors()
        if self.format == "standard" and not self.has_secret():
            yield ("secret_file",), Sentence("is missing; name the file of the secret that signs the messages")
        if self.url.startswith("http:") and not self.allow_private:
            text = Sentence("needs https://, or allow_private = true for a receiver on this network")
            yield ("url",), text
