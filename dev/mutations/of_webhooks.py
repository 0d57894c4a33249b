"""Faults in what is sent to webhooks: where, once, in order, and signed."""

from __future__ import annotations

from dev.mutations.fault import fault

FAULTS = (
    fault(
        "a webhook may lead to this machine",
        "features/webhooks/http",
        ("for address in () if self._allow_private else addresses:", "for address in ():"),
    ),
    fault(
        "a webhook's name is resolved again after its check",
        "features/webhooks/http",
        ("connect_tcp(addresses[0], port", "connect_tcp(host, port"),
    ),
    fault(
        "one public address lets a webhook's other addresses pass",
        "features/webhooks/http",
        (
            "for address in () if self._allow_private else addresses:",
            "for address in () if self._allow_private else addresses[:1]:",
        ),
    ),
    fault(
        "an event for a webhook has another identifier each time",
        "features/webhooks/events",
        ("{self.name} {self.key} {self.at.isoformat()}", "{self.name} {self.key} {datetime.now()}"),
    ),
    fault(
        "a standby sends to webhooks",
        "features/webhooks/delivery",
        ("or row.next > now or not self._leads():", "or row.next > now:"),
    ),
    fault(
        "a webhook gets what follows before what failed",
        "store/queries/webhooks",
        ("order_by(col(WebhookRow.n), col(WebhookRow.id))", "order_by(col(WebhookRow.next), col(WebhookRow.n))"),
    ),
    fault(
        "a webhook that asks for a longer wait does not get it",
        "features/webhooks/delivery",
        ("now + max(wait, pause)", "now + pause"),
    ),
    fault(
        "an event that a webhook of Zammad gets twice ends the entry",
        "features/webhooks/formats",
        ('SENT_BEFORE, NO_ENTRY = b" already exists!", ', 'SENT_BEFORE, NO_ENTRY = b"?", '),
    ),
    fault(
        "a webhook's signature does not cover its time",
        "features/webhooks/formats",
        ('f"{event}.{seconds}."', 'f"{event}."'),
    ),
)
