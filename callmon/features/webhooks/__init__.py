"""Webhooks: events of outcomes, their delivery, the page and the command. Without a webhook nothing runs."""
