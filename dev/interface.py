"""Every public name, read from the product: `python -m dev.interface` writes them to `FROZEN`.

Run it only for an intended change of a name, and record that change in CHANGELOG.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import click
import httpx
import msgspec
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from callmon.config.schema import Configuration
from callmon.config.settings import example
from callmon.config.standards import ALL_STANDARDS
from callmon.config.wording import variable
from callmon.core import facts
from callmon.core.callbacks import commands as callback_commands
from callmon.core.callbacks import entries as ledger
from callmon.core.callbacks.entries import Due, Dues
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import Call, Transfer, Voicemail
from callmon.core.disruptions import commands as disruption_commands
from callmon.core.disruptions import disruption as disruptions
from callmon.core.disruptions.disruption import Disruption, Notice
from callmon.core.statistics.counters import METRICS
from callmon.features.disruptions.notice.files import notice_files
from callmon.features.months.formats.json import schema
from callmon.features.months.open_data.queries import COLUMNS
from callmon.main import main
from callmon.sinks.metrics.exposition import OF_CALLS, OF_ITSELF, families
from callmon.sinks.mqtt import topics
from callmon.site import FEATURES
from callmon.store.queries.obligations import WorklistItem
from callmon.store.writer.outbox import StoredOutcome
from callmon.text.lists import obligation_as_json
from callmon.text.records import as_json
from callmon.web.app import WebApplication
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
from callmon.web.entries import page_table
from callmon.web.routing import STATIC, front
from tests.support.store_fixtures import EXCHANGE, START, account, answered_call
from tests.unit.test_metrics import ONE_CALL, full_daemon, page, rendered

FROZEN = Path(__file__).parents[1] / "tests" / "data" / "interface.json"
UNIONS: Mapping[str, Any] = {
    "fact": facts.AnyFact,
    "ledger": ledger.AnyEntry,
    "disruption_entry": disruptions.AnyEntry,
}
UNTAGGED: Mapping[str, type[msgspec.Struct]] = {
    "call": Call,
    "obligation": Obligation,
    "disruption": Disruption,
    "hand": callback_commands.CallbackCommand,
    "disruption_hand": disruption_commands.DisruptionCommand,
    "outcome": StoredOutcome,
}


def stored() -> dict[str, dict[str, list[str]]]:
    """By table or message: each tag with its fields."""
    tagged = {
        name: {facts.tag_of(kind): list(kind.__struct_encode_fields__) for kind in get_args(union)}
        for name, union in UNIONS.items()
    }
    return tagged | {name: {"": list(kind.__struct_encode_fields__)} for name, kind in UNTAGGED.items()}


def settings() -> list[str]:
    return sorted(_settings(Configuration.model_json_schema(), Configuration.model_json_schema(), ""))


def _settings(part: dict[str, Any], whole: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    for one in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        yield from _settings(one, whole, path)
    for name, inner in part.get("properties", {}).items():
        yield f"{path}.{name}".lstrip(".")
        yield from _settings(inner, whole, f"{path}.{name}")
    for key, place in (("items", "[]"), ("additionalProperties", ".NAME")):
        if isinstance(part.get(key), dict):
            yield from _settings(part[key], whole, path + place)


def variables() -> list[str]:
    return sorted(variable((name,)) for name in Configuration.model_fields)


def commands() -> dict[str, list[str]]:
    return dict(_commands(main, "callmon"))


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, list[str]]]:
    yield name, [" ".join(x.opts) if isinstance(x, click.Option) else str(x.name).upper() for x in command.params]
    if isinstance(command, click.Group):
        for below, inner in sorted(command.commands.items()):
            yield from _commands(inner, f"{name} {below}")


def metrics() -> dict[str, str]:
    """Each metric's type and labels, by name."""
    shown = page(full_daemon(), ONE_CALL)
    shown.configure(shown.read().configured, ALL_STANDARDS, [EXCHANGE])
    gauges = [*families(OF_CALLS, shown.read()), *families(OF_ITSELF, shown.read()), *shown._parity({})]
    labels = {gauge.name: gauge._labelnames for gauge in gauges}  # type: ignore[attr-defined]  # not in its stub
    labels |= {metric.name: metric.labels for metric in METRICS}
    types = [line.split()[2:] for line in rendered(shown).splitlines() if line.startswith("# TYPE callmon_")]
    return {
        name: " ".join((kind, *labels.get(name, labels.get(name.removesuffix("_total"), ()))))
        for name, kind in sorted(types)
    }


def mqtt() -> list[str]:
    below = [topics.STATUS, topics.ENDED, topics.LINES + "LINE"]
    below += [topics.CALLBACKS + "ID", topics.DISRUPTIONS + "ID"]
    return sorted(f"{example().mqtt.prefix}/{topic}".replace("//", "/") for topic in below)


def pages() -> list[str]:
    known = page_table(FEATURES)
    entries = [front(known["now"]), *known.values(), *SignIn(AccessService()).entries()]
    found = {f"{method} {path}" for one in entries for path in one.paths.values() for method in one.methods}
    found |= {f"GET /static/{name}" for name in STATIC}
    return sorted(found | {f"GET {path}" for path in _machines()})


def _app() -> ASGIApp:
    return WebApplication(page(full_daemon(), {}), list).asgi()


def _machines() -> list[str]:
    starlette = next(x for x in vars(_app()).values() if isinstance(x, Starlette))
    return [route.path for route in starlette.routes if isinstance(route, Route)]


def call_json() -> list[str]:
    """Keys of `callmon explain --json` and `replay --json`."""
    call = msgspec.structs.replace(
        account(answered_call(0)),
        transfers=(Transfer("blind", "PJSIP/102-00000001", "104", True),),
        voicemail=Voicemail("500", 4, True, False, False),
        gaps=((START, START),),
        test=True,
    )
    reported = as_json(EXCHANGE, call, [])
    return sorted({*_keys(reported), "disruptions[]"})


def callback_json() -> list[str]:
    """Keys of `callmon callbacks list --json`."""
    due = Due(START, START, START)
    one = Obligation(
        exchange=EXCHANGE, id="1.0", call="1.0", kind="callback", opening="message", line="general",
        service="general", language="fr", tty=False, opened=START, since=START, token=None, hidden=None,
        shared=False, in_hand="name", taken=START + timedelta(1), attempts=(START,),
        dues=Dues(due),
    )  # fmt: skip
    return sorted(_keys(obligation_as_json(WorklistItem(one, None, None))))


def _keys(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _keys(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple) and value:
        yield from _keys(value[0], f"{path}[]")
    else:
        yield path


def health_json() -> list[str]:
    return sorted(set(_keys(json.loads(asyncio.run(answer_of("/healthz"))))))


def notice_json() -> list[str]:
    """Keys of the public notice's JSON."""
    notice = Notice("a", "b", "c", "d", START)
    one = Disruption(id="a", source="staff", exchange="", what="", lines=("tty",), began=START, notice=notice)
    made = notice_files(example(), [one], True, START)["disruptions.json"]
    return sorted(set(_keys(json.loads(made))))


async def answer_of(path: str) -> bytes:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_app()), base_url="http://localhost") as client:
        return (await client.get(path)).content


def report_json() -> list[list[str]]:
    """The keys of each object of the report's JSON, independent of class names."""
    return sorted(sorted(one.get("properties", ())) for one in schema()["$defs"].values())


def exports() -> dict[str, dict[str, str]]:
    """The columns of `callmon export`, and their types."""
    return {table: dict(columns) for table, columns in COLUMNS.items()}


SECTIONS = {
    one.__name__: one
    for one in (
        stored, settings, variables, commands, metrics, mqtt, pages, call_json, callback_json, health_json,
        notice_json, report_json, exports,
    )
}  # fmt: skip


if __name__ == "__main__":
    FROZEN.write_text(json.dumps({name: read() for name, read in SECTIONS.items()}, indent=1) + "\n", "utf-8")
