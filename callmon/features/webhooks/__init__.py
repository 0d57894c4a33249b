"""Webhooks: events of outcomes, their delivery, the page and the command. Without a webhook nothing runs."""

from callmon.feature import Feature

FEATURE = Feature(__name__, pages=("page",))
