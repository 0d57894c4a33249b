"""Reads what the walk needs of one exchange over AMI. The user needs `write = reporting`; no channel is made.

Actions: DeviceStateList, Getvar, DBGet, ShowDialPlan. The public numbers are the extensions of seven digits or
more in the contexts in which the exchange's devices arrive. A trunk is a device with a name that arrives in such a
context, where no phone with a number does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from callmon.config.exchange import ExchangeSettings
from callmon.config.wording import plain
from callmon.tools.doctor.ami_query import AmiQuery, Headers, ask_each
from callmon.tools.doctor.questions import ExchangeAnswers
from callmon.tools.routes.dialplan import Dialplan, Step
from callmon.tools.routes.walk import Hop, Route, Walker

WITHIN = timedelta(seconds=60)
MOST_DEVICES = 5_000
MOST_PHONES = 20  # with a number: they share few contexts
MOST_ROUTES = 2_000
DIALPLAN_SECONDS = 30.0  # of one context
LONGEST_PRIORITY = 7
OF_FREEPBX = ("from-trunk", "from-pstn")
NUMBER = re.compile(r"_?\+?[0-9XZN\[\]-]{7,40}")  # of a public line, or a pattern of as many digits
_DEVICE = re.compile(r"(PJSIP|SIP)/([\w.@-]{1,80})")
_DIALLED_ON = re.compile(r"\$\{EXTEN:([1-9])\}")
_DIALS = ("dial", "goto", "gosub", "macro")
_OF_VOICEMAIL = frozenset(("voicemail", "hangup", "answer", "wait", "playback", "noop"))
_FILES = {"PJSIP": "pjsip.conf", "SIP": "sip.conf"}


@dataclass(frozen=True)
class ExchangeRoutes:
    """The routes of one exchange; or why there are none: `failure`, a kind of doctor's findings of connections.

    `trunks`: devices; `prefixes`: what phones dial before an outside number; `voicemail_contexts`: of boxes alone.
    """

    routes: tuple[Route, ...] = ()
    trunks: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    parking_extension: str = ""
    voicemail_contexts: tuple[str, ...] = ()
    failure: str = ""
    text: str = ""


def read(exchanges: Mapping[str, ExchangeSettings], within: timedelta = WITHIN) -> dict[str, ExchangeRoutes]:
    """The routes of all exchanges, asked at once. Raises ConfigError if a secret cannot be read."""
    answers = ask_each(exchanges, _routes, within)
    return {
        name: ExchangeRoutes(failure=given.failure or "", text=given.text)
        if isinstance(given, ExchangeAnswers)
        else given
        for name, given in answers.items()
    }


def _routes(query: AmiQuery, username: str, us: str) -> ExchangeRoutes:
    if "ShowDialPlan" not in query.commands():
        return ExchangeRoutes(failure="no_reporting")
    exchange = _ReadExchange(query)
    dialplan = Dialplan(exchange.steps)
    walker = Walker(dialplan, exchange.value)
    trunks, phones = exchange.arrivals()
    found = dict(_numbers(dialplan, [*trunks, *OF_FREEPBX]))
    routes = tuple(_route(walker, found[number], number) for number in sorted(found)[:MOST_ROUTES])
    public = [context for context in trunks if context not in phones and any(_numbers(dialplan, [context]))]
    boxes = {hop.place for route in routes for path in route.paths for hop in path if hop.kind == "box"}
    return ExchangeRoutes(
        routes,
        tuple(device for context in public for device in trunks[context]),
        tuple(sorted({prefix for context in phones for prefix in _prefixes(dialplan, context)})),
        exchange.value("AST_CONFIG(res_parking.conf,default,parkext)") or "",
        tuple(context for context in sorted(boxes - {""}) if _is_of_voicemail(dialplan, context)),
    )


def _prefixes(dialplan: Dialplan, context: str) -> Iterator[str]:
    """What a pattern of the context has before the number that it dials on: 9 of `_9NXXNXXXXXX`."""
    for step in dialplan.all_steps(context):
        found = _DIALLED_ON.search(step.data) if step.application.lower() in _DIALS else None
        prefix = step.exten[1 : 1 + int(found[1])] if found and step.exten.startswith("_") else ""
        if prefix.isdecimal():
            yield prefix


def _is_of_voicemail(dialplan: Dialplan, context: str) -> bool:
    """Whether the context does nothing but lead to boxes."""
    return {step.application.lower() for step in dialplan.all_steps(context)} <= _OF_VOICEMAIL


def _numbers(dialplan: Dialplan, contexts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each public number with the context in which it arrives."""
    for context in contexts:
        for exten in dialplan.extensions(context):
            if NUMBER.fullmatch(exten):
                yield exten, context


def _route(walker: Walker, context: str, number: str) -> Route:
    """A pattern stands for numbers that nobody named: it is not followed."""
    if number.startswith("_"):
        return Route(number, context, ((Hop("unfollowed", place=f"{context},{number},1"),),))
    return walker.route(context, number)


class _ReadExchange:
    """One exchange; a value is asked for once."""

    def __init__(self, query: AmiQuery) -> None:
        self._query = query
        self._values: dict[str, str | None] = {}

    def arrivals(self) -> tuple[dict[str, list[str]], set[str]]:
        """The devices with a name and no number by the context of their calls; and the contexts of phones."""
        devices = self._query.entries(
            "DeviceStateList",
            "DeviceStateChange",
            "DeviceStateListComplete",
            lambda entry: entry.get("Device", ""),
        )
        names = [found.groups() for device in sorted(devices or ()) if (found := _DEVICE.fullmatch(device))]
        phones = [(kind, name) for kind, name in names if name.isdecimal()]
        trunks: dict[str, list[str]] = {}
        for kind, name in names[:MOST_DEVICES]:
            if not name.isdecimal() and (context := self._context(kind, name)):
                trunks.setdefault(context, []).append(f"{kind}/{name}")
        return trunks, {self._context(kind, name) or "" for kind, name in phones[:MOST_PHONES]} - {""}

    def _context(self, kind: str, name: str) -> str | None:
        """The context of a device in its file; else, of a PJSIP endpoint, by the function where it is loaded."""
        found = self.value(f"AST_CONFIG({_FILES[kind]},{name},context)")
        if found or kind == "SIP" or self.value("IFMODULE(func_pjsip_endpoint.so)") != "1":
            return found
        return self.value(f"PJSIP_ENDPOINT({name},context)")

    def steps(self, context: str, exten: str) -> list[Step]:
        asked = {"Context": context} | ({"Extension": exten} if exten else {})
        if any("\r" in text or "\n" in text for text in asked.values()):
            return []
        found = self._query.listed(
            "ShowDialPlan", "ListDialplan", "ShowDialPlanComplete", _step, DIALPLAN_SECONDS, **asked
        )
        return found or []

    def value(self, name: str) -> str | None:
        """A global variable, a function without a channel, or an entry `DB(family/key)`."""
        if name not in self._values:
            self._values[name] = self._entry(name) if name.startswith("DB(") else self._query.variable(name)
        return self._values[name] or None

    def _entry(self, name: str) -> str | None:
        """Getvar refuses DB(); the action DBGet gives the same."""
        family, _, key = name.removeprefix("DB(").removesuffix(")").partition("/")
        found = self._query.listed(
            "DBGet", "DBGetResponse", "DBGetComplete", lambda entry: entry.get("Val", ""), Family=family, Key=key
        )
        return next(iter(found or ()), None)


def _step(entry: Headers) -> Step:
    """What the exchange writes is shown on a terminal and in a file: without control characters."""
    names = ("Context", "Extension", "ExtensionLabel", "Application", "AppData", "IncludeContext")
    context, exten, label, application, data, include = (plain(entry.get(name, "")) for name in names)
    priority = entry.get("Priority", "")
    number = int(priority) if priority.isdecimal() and len(priority) < LONGEST_PRIORITY else 0
    return Step(context, exten, number, label, application, data, include)
