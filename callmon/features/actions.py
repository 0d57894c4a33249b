"""A person's command on both fronts: `run` for the terminal, `submit` for the form of a page.

It is stored in the database as a request; the daemon applies it and writes the result. Each front waits briefly
for that. A request that is not applied in time stays stored, and the leader applies it. Refuses: in the same words
on both fronts, an action that is not possible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, NoReturn

import click

from callmon.cli.common import CommandContext
from callmon.errors import CallmonError
from callmon.store import commands
from callmon.store.command_notices import notify_daemon
from callmon.store.commands import Command, Queued, StoredQueue
from callmon.store.database import Database
from callmon.text.labels import label

if TYPE_CHECKING:
    from callmon.web.page_request import PageRequest

PATIENCE_SECONDS, LOOK_SECONDS = 5.0, 0.1


class RefusedError(CallmonError):
    """Why callmon refuses a command, in the reader's language. `field`: of the form, what to correct."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Actions(Generic[Command]):
    """The commands on one kind of thing. `refusals`: the labels of the reasons to refuse one."""

    queue: StoredQueue[Command]
    insert: Callable[..., Queued]
    rejections: Callable[[Database, Command], Sequence[Any]]
    refusals: str

    def refuse(self, why: str, language: str, field: str = "") -> NoReturn:
        raise RefusedError(label(self.refusals, why, language), field)

    def run(self, context: CommandContext, command: Command, *number: str | None) -> bool:
        """Whether the daemon applied the command in time; if not, prints that it waits. Raises RefusedError."""
        pending = asyncio.run(self.submit(context, context.store, command, *number))
        if pending is not None:
            said = context.say(
                "Request noted; it waits for `callmon run`, which is not running or does not answer."
                if pending.is_new
                else "The same request waits already for `callmon run`, which is not running or does not "
                "answer; it is not noted a second time."
            )
            click.echo(said, err=True)
        return pending is None

    async def submit(
        self, front: CommandContext | PageRequest, store: Database, command: Command, *number: str | None
    ) -> Queued | None:
        """The request if the daemon did not apply it in time. Raises RefusedError for a rejection."""
        queued = await front.ask(self.insert, store, command, *number)
        notify_daemon(store)
        end = monotonic() + PATIENCE_SECONDS
        while await front.ask(self.queue.last_applied, store) < queued.n:
            if monotonic() >= end:
                return queued
            await asyncio.sleep(LOOK_SECONDS)
        for rejected in await front.ask(self.rejections, store, command):
            self.refuse(rejected.why, front.language)
        return None

    def print_pending(self, context: CommandContext) -> None:
        """Printed beside a list: the count of pending requests that the list does not show yet."""
        if count := self.queue.count_pending(context.store):
            said = context.say(
                "Requests that wait for `callmon run` and are not shown here: {count}.", count=count
            )
            click.echo(said, err=True)


CALLBACKS = Actions(
    commands.CALLBACK_QUEUE, commands.queue_callback_command, commands.callback_rejections, "refusal"
)
DISRUPTIONS = Actions(
    commands.DISRUPTION_QUEUE,
    commands.queue_disruption_command,
    commands.disruption_rejections,
    "disruption_refusal",
)
