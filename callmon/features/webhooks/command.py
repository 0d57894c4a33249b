"""`callmon webhooks`: a test event to one webhook, now.

Refuses: to store the test, or to repeat it.
"""

import asyncio
import sys

import click

from callmon.cli.common import CommandContext, lang_option, refuse_unknown, with_context
from callmon.cli.completion import completed
from callmon.cli.help import HelpGroup
from callmon.features.webhooks.delivery import sent
from callmon.features.webhooks.events import TestData, WebhookEvent
from callmon.features.webhooks.formats import answer_text


@click.group(cls=HelpGroup)
def webhooks() -> None:
    """Webhooks: events that callmon sends to other programs."""


@webhooks.command("test")
@click.argument("name", shell_complete=completed(lambda context: context.settings.names("webhook")))
@with_context()
@lang_option
def test(context: CommandContext, name: str) -> None:
    """Send a test event to the webhook NAME of the configuration, and print the answer.

    \b
    Examples: callmon webhooks test teams
              callmon webhooks test helpdesk --lang en
    """
    settings, now = context.settings, context.now
    refuse_unknown(settings, "webhook", name)
    event = WebhookEvent("test", now, name, (), TestData(name))
    is_taken, answer, _ = asyncio.run(sent(settings.webhooks[name], event.id, event.encoded(), settings, now))
    click.echo(
        context.say("{name}: {answer}", name=name, answer=answer_text(answer, context.language)), err=not is_taken
    )
    if not is_taken:
        sys.exit(1)
