"""The tables of docs/*/reference: settings, commands, metrics, standards, pages and roles, JSON payloads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace
from typing import cast

import click
from jinja2 import Environment, PackageLoader

from callmon.config.explanation import every_setting
from callmon.config.settings import example
from callmon.config.standards import ALL_STANDARDS
from callmon.core.statistics.counters import METRICS
from callmon.main import main
from callmon.sinks.metrics.exposition import OF_CALLS, OF_ITSELF
from callmon.site import FEATURES
from callmon.text.labels import label
from callmon.text.story.sentences import QUOTES
from callmon.web.api.openapi import parameters
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
from callmon.web.context import PageContext
from callmon.web.entries import entries, resources
from callmon.web.formatter import WebFormatter
from dev import interface
from tests.pages.test_pages_access import NAMES, WHO, table
from tests.support.environment import reader_of
from tests.unit.test_metrics import ONE_CALL, full_daemon, page

WIDTH = 100  # of a help text


def rows(*head: str) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"


# ── settings ──


def settings() -> Iterator[str]:
    yield from rows("setting", "default", "meaning")
    for path, default, meaning in every_setting():
        yield f"| `{path}` | {f'`{default}`' if default not in ('none', 'required') else default} | {meaning} |"


def variables() -> Iterator[str]:
    yield from (f"* `{name}`" for name in interface.variables())


# ── commands ──


def every_command(command: click.Command = main, name: str = "callmon") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for below, inner in sorted(command.commands.items()):
            yield from every_command(inner, f"{name} {below}")
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield name, command


def context(name: str, command: click.Command) -> click.Context:
    return click.Context(command, info_name=name, terminal_width=WIDTH)


def commands(language: str) -> list[str]:
    with reader_of(language):
        return list(_commands(*{"en": ("command", "purpose"), "fr": ("commande", "but")}[language]))


def _commands(*head: str) -> Iterator[str]:
    yield from rows(*head)
    for name, command in every_command():
        arguments = [
            str(x.make_metavar(context(name, command))) for x in command.params if isinstance(x, click.Argument)
        ]
        yield f"| `{' '.join((name, *arguments)).replace('|', '/')}` | {command.get_short_help_str(200)} |"
    for name, command in every_command():
        yield from ("", f"## {name}", "", "```text", *command.get_help(context(name, command)).splitlines(), "```")


# ── metrics, standards, pages ──


def metrics() -> Iterator[str]:
    reported = {
        metric.name: (metric.labels, "histogram" if metric.buckets else "counter", metric.help)
        for metric in METRICS
    }
    shown = page(full_daemon(), ONE_CALL)
    parity = {f"{one.name}{{{','.join(one._labelnames)}}}": (one.documentation,) for one in shown._parity({})}  # type: ignore[attr-defined]
    leader = {"callmon_leader": ("Whether this callmon is the leader.",)}
    for name_and_labels, (text, *_) in {**OF_CALLS, **OF_ITSELF, **parity, **leader}.items():
        name, _, labels = name_and_labels.rstrip("}").partition("{")
        reported[name] = (
            tuple(filter(None, labels.split(","))),
            "counter" if name.endswith("_total") else "gauge",
            text,
        )
    yield from rows("metric", "labels", "type", "meaning")
    for name, (names, kind, text) in sorted(reported.items()):
        yield f"| `{name}` | {', '.join(f'`{x}`' for x in names) or '-'} | {kind} | {text} |"


def standards(language: str) -> Iterator[str]:
    formatter = WebFormatter(example(), language, datetime(2026, 11, 24, 15, tzinfo=UTC))
    yield from rows(
        *{"fr": ("norme", "titre", "règle", "politique"), "en": ("standard", "title", "rule", "policy")}[language]
    )
    templates = Environment(loader=PackageLoader("callmon.features.standards"), trim_blocks=True, autoescape=True)
    definition = templates.get_template("_definitions.html").make_module({"say": formatter.say}).definition
    for name in ALL_STANDARDS:
        rule, quote = unescape(definition(name)).strip(), QUOTES[name].words
        yield f"| `{name}` | {label('standard', name, language)} | {rule} | {quote} |"


def pages() -> Iterator[str]:
    site = cast(PageContext, SimpleNamespace(views={}))
    yield from rows("page (French, English)", "method", *(NAMES.get(role, role) for role in WHO))
    yield from table((*entries(FEATURES, site), *SignIn(AccessService()).entries()))


def api(language: str) -> Iterator[str]:
    heads = {
        "en": ("address", "answer", "parameters", "fields"),
        "fr": ("adresse", "réponse", "paramètres", "champs"),
    }
    yield from rows(*heads[language])
    for x in resources(FEATURES):
        given, fields = (
            ", ".join(f"`{name}`" for name in names)
            for names in ((y["name"] for y in parameters(x) if y["in"] == "query"), x.of.__struct_fields__)
        )
        yield f"| `{x.path}` | {label('api', x.path, language)} | {given} | {fields} |"


# ── JSON ──


def calls_json() -> Iterator[str]:
    return _keys(interface.call_json())


def callbacks_json() -> Iterator[str]:
    return _keys(interface.callback_json())


def health_json() -> Iterator[str]:
    return _keys(interface.health_json())


def notice_json() -> Iterator[str]:
    return _keys(interface.notice_json())


def topics() -> Iterator[str]:
    return _keys(interface.mqtt())


def _keys(names: list[str]) -> Iterator[str]:
    yield from (f"* `{name}`" for name in names)
