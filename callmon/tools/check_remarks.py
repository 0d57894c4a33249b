"""What `callmon check` says of a configuration that it accepts: what the administrator should know or decide.

Opens no connection. Checks only whether a secret can be read, never what it is.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from callmon.cli.language import said
from callmon.config.exchange import ExchangeSettings
from callmon.config.mqtt import MqttSettings
from callmon.config.settings import Settings
from callmon.config.web import WebSettings
from callmon.errors import ConfigError
from callmon.store.key_file import read_keys
from callmon.store.opening import key_path

MARKED = re.compile('"(FILL IN|À REMPLIR)"|# (FILL IN|À REMPLIR)')
LOOPBACK = ("127.", "localhost", "::1")


def check_remarks(settings: Settings) -> Iterator[str]:
    """Not an error, but a matter for the administrator to know or decide."""
    if settings.hours_are_assumed():
        yield said("calendar.hours: opening hours are assumed; the ministry has not confirmed them.")
    yield said(
        "calendar: when 30 September or 11 November falls on a weekend, callmon closes the next Monday. "
        "The ministry must confirm this; closed_days_remove removes a day."
    )
    yield from _marked(settings)
    yield from _not_judged(settings)
    yield from _key_remarks(settings)
    if not settings.exchanges:
        yield said("exchanges: none is configured, so `callmon run` refuses to start; `callmon replay` works.")
    if not settings.lines():
        yield said("lines: none is configured, so no call is on a line; add [lines.NAME] for each.")
    for name, exchange in settings.exchanges.items():
        yield from (_of(f"exchanges.{name}", text) for text in _exchange_remarks(exchange))
    yield from (_of("mqtt", text) for text in _mqtt_remarks(settings.mqtt))
    if warning := settings.traces.secret_warning():
        yield _of("traces", warning)
    yield from (_of("mail", text) for text in _mail_remarks(settings))
    for name, webhook in settings.webhooks.items():
        if warning := webhook.secret_warning():
            yield _of(f"webhooks.{name}", warning)
    yield from (_of("web.access", text) for text in _access_remarks(settings.web))


def _marked(settings: Settings) -> Iterator[str]:
    """What `callmon init` and `doctor --listen` leave open."""
    with suppress(OSError, ValueError):
        lines = Path(settings.source).read_text("utf-8").splitlines()
        if marked := [number for number, line in enumerate(lines, 1) if MARKED.search(line)]:
            yield said(
                "{file}: {count} lines still have a mark FILL IN or À REMPLIR; the first is line {line}.",
                file=settings.source,
                count=len(marked),
                line=marked[0],
            )


def _of(table: str, text: str) -> str:
    return said("{table}: {text}.", table=table, text=text)


def _mqtt_remarks(mqtt: MqttSettings) -> Iterator[str]:
    if warning := mqtt.secret_warning():
        yield warning
    if mqtt.host is not None and not mqtt.tls and not mqtt.host.startswith(LOOPBACK):
        password = said(" and the password") if mqtt.username else ""
        yield said(
            "messages to the broker{password} cross the network unencrypted; set tls = true", password=password
        )


def _mail_remarks(settings: Settings) -> Iterator[str]:
    mail = settings.mail
    if warning := mail.secret_warning():
        yield warning
    if mail.host is None:
        return
    if mail.tls == "none" and not mail.host.startswith(LOOPBACK):
        password = said(" and the password") if mail.username else ""
        yield said('reports{password} cross the network unencrypted; set tls = "starttls"', password=password)
    if mail.ca_file is not None and not mail.ca_file.is_file():
        yield said("ca_file: {file} cannot be read here, so no mail is sent", file=mail.ca_file)
    if "pdf" in mail.attach and find_spec("weasyprint") is None:
        yield said(
            "attach has pdf, and WeasyPrint is not installed, so no report is mailed; "
            'see "Extras" in docs/en/how-to/install.md'
        )
    if mail.internal_to and settings.web.access.url is None:
        yield said("mails have no link to the report's page; set web.access.url")


def _access_remarks(web: WebSettings) -> Iterator[str]:
    access, is_reached = web.access, not web.host.startswith(LOOPBACK)
    if is_reached and not access.is_configured:
        yield said(
            "no sign-in is configured: pages open on this machine only, other clients get /metrics and /healthz"
        )
    if is_reached and access.accounts and not access.proxy.addresses:
        yield said("passwords cross the network unencrypted; add a TLS proxy, and name it in proxy.addresses")
    if access.accounts and access.oidc is not None:
        yield said(
            "accounts and oidc are both on: one person may have two names, and verify a report under one that was "
            "prepared under the other; keep one of the two"
        )
    if access.oidc is not None and (warning := access.oidc.secret_warning()):
        yield warning


def _key_remarks(settings: Settings) -> Iterator[str]:
    """Where the keys of callers' numbers are, and whether they are usable."""
    path = key_path(settings)
    if settings.privacy.key_file is None:
        yield said(
            "privacy.key_file: not set, so the encryption key is {path}, created at the first start; "
            "a copy of the database's folder then contains both. Name a file elsewhere, and keep a copy of it.",
            path=path,
        )
    elif not path.exists():
        yield said(
            "privacy.key_file: {path} cannot be read by this user; callmon does not start without it.", path=path
        )
    else:
        try:
            read_keys(path)
        except ConfigError as error:
            yield _of("privacy.key_file", error.sentences[0])


def _not_judged(settings: Settings) -> Iterator[str]:
    """Standards that are not enabled, and the setting that would enable each."""
    if not settings.configuration.staff:
        yield said(
            "standards.bilingual_person: not judged, as no languages of staff are configured. Add [[staff]] with "
            'an extension and its languages, such as extension = "102", languages = ["fr", "en"].'
        )
    if not any(exchange.survey_extensions for exchange in settings.exchanges.values()):
        yield said(
            "standards.feedback_offered: not judged, as no survey is configured. Set survey_extensions of an "
            "exchange, or call UserEvent(CallmonSurveyOffered) on the caller's channel in the dialplan."
        )


def _exchange_remarks(exchange: ExchangeSettings) -> Iterator[str]:
    if warning := exchange.secret_warning():
        yield warning
    if not exchange.tls and not exchange.host.startswith(LOOPBACK):
        secret = said(" and the secret") if exchange.login == "plain" else ""
        yield said("callers' numbers{secret} cross the network unencrypted; set tls = true", secret=secret)
