"""What is sent for an event, in the form that the receiver expects; and the signature. Pure.

    standard   the payload as it is                    slack, teams, ntfy   one sentence, and the link
    zammad     call.missed is a call that nobody took; callback.done ends it. Other events: nothing.

Zammad must have no second entry of one call, and must not end one too early. So its `hangup` follows a `newCall`
that was taken alone: what was sent before is refused there. Refuses: a caller's number. Zammad gets "anonymous".
"""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

from callmon.config.settings import Settings
from callmon.config.webhooks import WebhookSettings
from callmon.text.labels import label

JSON = {"Content-Type": "application/json"}
STEPS = {
    "call.missed": ("newCall", "hangup"),
    "callback.done": ("answer", "hangup"),
    "test": ("newCall", "answer", "hangup"),
}
# Zammad's answers to a call that it has, and to one that it does not have: there is nothing to do.
SENT_BEFORE, NO_ENTRY = b" already exists!", b"No such call_id"


class WebhookRequest(NamedTuple):
    """One request: its headers and its body."""

    headers: Mapping[str, str]
    body: bytes


def requests(webhook: WebhookSettings, data: str, settings: Settings) -> list[WebhookRequest]:
    """The requests of one delivery, in their order."""
    event: dict[str, Any] = json.loads(data)
    titles = {line.name: line.title(settings.default_language) for line in settings.lines()}
    text, url = _sentence(event, titles, settings.default_language), event["data"].get("url")
    match webhook.format:
        case "standard":
            return [WebhookRequest(JSON, data.encode())]
        case "slack":
            return [_as_json({"text": f"<{url}|{escape(text, False)}>" if url else escape(text, False)})]
        case "teams":
            return [_as_json(_teams(text, url))]
        case "ntfy":
            return [WebhookRequest({"Click": url} if url else {}, text.encode())]
        case "zammad":
            return list(map(_as_json, _zammad(event, titles)))


def _sentence(event: Mapping[str, Any], titles: Mapping[str, str], language: str) -> str:
    """The event in the site's language, with the titles of its lines."""
    data = event["data"]
    names = data.get("lines") or [data[key] for key in ("line", "month", "webhook") if key in data]
    colon = "\N{NO-BREAK SPACE}: " if language == "fr" else ": "
    return (
        ", ".join(titles.get(name, name) for name in names)
        + colon
        + label("webhook_event", event["type"], language)
    )


def answer_text(answer: str, language: str) -> str:
    """The last answer of a receiver, or why there was none; "" before the first attempt."""
    return f"HTTP {answer}" if answer.isdigit() else answer and label("webhook_answer", answer, language)


def _as_json(content: Mapping[str, Any]) -> WebhookRequest:
    return WebhookRequest(JSON, json.dumps(content, ensure_ascii=False).encode())


def _teams(text: str, url: str | None) -> dict[str, Any]:
    """An Adaptive Card, as a workflow of Teams takes it."""
    actions = [{"type": "Action.OpenUrl", "title": "callmon", "url": url}]
    block = {"type": "TextBlock", "text": text, "wrap": True}
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [block]} | ({"actions": actions} if url else {})
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _zammad(event: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    kind, data = event["type"], event["data"]
    to = titles.get(data.get("line", ""), "callmon")
    cause = {"cause": "noAnswer" if kind == "call.missed" else "normalClearing"}
    for call in data.get("calls", [data]):
        name = f"{call['exchange']}-{call['call']}" if "call" in call else f"test-{event['timestamp']}"
        for step in STEPS.get(kind, ()):
            common = {"event": step, "direction": "in", "from": "anonymous", "to": to, "callId": name}
            yield common | (cause if step == "hangup" else {})


def signed(request: WebhookRequest, event: str, at: datetime, secret: str | None) -> dict[str, str]:
    """The headers with the event's identifier, and the signature as Standard Webhooks has it (HMAC-SHA256).

    Raises ValueError for a secret that is no base64.
    """
    seconds = str(int(at.timestamp()))
    headers = {**request.headers, "webhook-id": event, "webhook-timestamp": seconds}
    if secret is not None:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
        digest = hmac.digest(key, f"{event}.{seconds}.".encode() + request.body, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{b64encode(digest).decode()}"
    return headers
