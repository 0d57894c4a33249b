"""Webhooks: events of outcomes, their delivery, the page and the command. Without a webhook nothing runs."""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    workers=("worker",),
    menu=(MenuItem("webhooks", "Webhooks", 90, is_used=lambda settings: bool(settings.webhooks)),),
    commands=(ListedCommand("webhooks", "Set up", 345, "command", "how-to/webhooks.md"),),
)
