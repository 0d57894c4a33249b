"""What a caller of a number meets: each path through the dialplan, up to a voicemail box or the end. Pure.

A condition that only a call decides is followed both ways. Of FreePBX and Issabel the macros that ask a script
or the database are known by their names. Refuses: to guess. What it cannot follow is a hop, with its place.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from callmon.tools.routes.dialplan import Dialplan

MOST_STEPS = 5_000  # of one number
MOST_PATHS = 100  # of one number
LONGEST = 200  # characters of what is quoted
Value = Callable[[str], str | None]  # of a global variable, or of a function without a channel


@dataclass(frozen=True, slots=True)
class Hop:
    """`kind`: phones, queue, box, language, key, no_key, hours, otherwise, hang_up, repeats or unfollowed.

    `seconds`: how long phones ring or the queue holds, at most. `music`: the caller hears music, and no ring.
    `place`: context, extension and priority of the step that could not be followed; the context of a box.
    """

    kind: str
    name: str = ""
    seconds: int | None = None
    music: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """All paths of one number. `is_whole`: none was left out."""

    number: str
    context: str
    paths: tuple[tuple[Hop, ...], ...]
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _State:
    """A caller at a step, before it runs. `returns`: the steps after each Gosub and Macro that has not ended."""

    context: str
    exten: str
    priority: int
    hops: tuple[Hop, ...] = ()
    returns: tuple[tuple[str, str, int], ...] = ()
    variables: tuple[tuple[str, str | None], ...] = ()
    seen: frozenset[tuple[str, str, int]] = field(default=frozenset())
    menu: str = ""  # the context whose keys were followed
    is_ended: bool = False

    @property
    def place(self) -> tuple[str, str, int]:
        return self.context, self.exten, self.priority

    @property
    def way(self) -> object:
        """What decides how it goes on: two conditions in a row that meet again are one way."""
        return self.place, self.hops, self.returns, self.variables, self.menu


_States = Sequence[_State]
VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::(-?\d{1,4}))?(?::(-?\d{1,4}))?\}")
# Applications after which the next step runs, and which lead nowhere.
PASSED = frozenset(
    (
        *(
            "answer",
            "noop",
            "wait",
            "playback",
            "progress",
            "ringing",
            "verbose",
            "log",
            "userevent",
            "mixmonitor",
        ),
        *(
            "stopmixmonitor",
            "saydigits",
            "saynumber",
            "resetcdr",
            "setcallerpres",
            "sendtext",
            "echo",
            "proceeding",
        ),
        *("stopmusiconhold", "startmusiconhold", "sayalpha", "sayunixtime", "waitforsilence", "celgenuserevent"),
        *("queuelog", "setamaflags", "channelredirect", "dumpchan"),
    )
)
ENDS = frozenset(("hangup", "busy", "congestion", "macroexit"))
# Macros and subroutines of FreePBX and Issabel that lead nowhere.
PASSED_MACROS = re.compile(
    r"(macro-)?(user-callerid|blkvm-\w+|record-enable|prepend-cid|privacy-mgr|setlanguage|sub-\w.*)"
)


class Walker:
    """Follows numbers through one dialplan."""

    def __init__(self, dialplan: Dialplan, value: Value) -> None:
        self._dialplan = dialplan
        self._value = value

    def route(self, context: str, number: str) -> Route:
        """All paths of a caller who arrives there, the first choice first."""
        found: dict[tuple[Hop, ...], None] = {}
        waiting = [_State(context, number, 1)]
        visited: set[object] = set()
        while waiting and len(visited) < MOST_STEPS and len(found) < MOST_PATHS:
            state = waiting.pop()
            if state.is_ended:
                found[state.hops] = None
            elif state.place in state.seen or state.way not in visited:
                visited.add(state.way)
                waiting += reversed(self._advance(state))
        return Route(number, context, tuple(found), not waiting)

    def _advance(self, state: _State) -> _States:
        """The states after one step: more than one where only the call decides."""
        if state.place in state.seen:
            return _ended(state, Hop("repeats"))
        steps = self._dialplan.steps(state.context, state.exten)
        step = steps.get(state.priority)
        if step is not None:
            return self._run(replace(state, seen=state.seen | {state.place}), step.application, step.data)
        if state.priority > 1 and state.returns:
            return _returned(state)
        return _ended(state, Hop("hang_up")) if steps and state.priority > 1 else _unfollowed(state, "", "")

    def _run(self, state: _State, application: str, data: str) -> _States:
        name = application.lower()
        if name in PASSED:
            return [_next(state)]
        if name in ENDS:
            return _returned(state) if name == "macroexit" and state.returns else _ended(state, Hop("hang_up"))
        run = _APPLICATIONS.get(name)
        states = run(self, state, data) if run else None
        return _unfollowed(state, application, data) if states is None else states

    def _goto(self, state: _State, data: str) -> _States | None:
        target = self._target(state, data)
        return None if target is None else [target]

    def _goto_if(self, state: _State, data: str) -> _States | None:
        return self._branched(state, data, (), ())

    def _goto_if_time(self, state: _State, data: str) -> _States | None:
        times = _split(data, "?")[0][:LONGEST]
        return self._branched(state, data, (Hop("hours", times),), (Hop("otherwise", times),))

    def _branched(self, state: _State, data: str, met: tuple[Hop, ...], else_: tuple[Hop, ...]) -> _States | None:
        """Both ways of a condition, whose words are `condition?[place][:place]`."""
        _, *targets = _split(data, "?", 1)
        first, *second = _split(targets[0] if targets else "", ":", 1)
        ways = ((first, met), (second[0] if second else "", else_))
        states = [
            self._target(replace(state, hops=state.hops + hops), place) if place else _next(state, *hops)
            for place, hops in ways
        ]
        return None if None in states else [x for x in states if x is not None]

    def _exec_if(self, state: _State, data: str) -> _States | None:
        """With and without the application within, of which Asterisk sends no event."""
        _, *inner = _split(data, "?", 1)
        states = [_next(state)]
        for words in _split(inner[0], ":", 1) if inner else ():
            application, _, arguments = words.strip().partition("(")
            if application.lower() == "set":
                states = [_bound(each, arguments.partition("=")[0], None) for each in states]
            else:
                states += self._run(state, application.strip(), arguments.removesuffix(")"))
        return list(dict.fromkeys(states))

    def _set(self, state: _State, data: str) -> _States:
        name, _, text = data.partition("=")
        value = self._expanded(state, text.strip('"'))
        hops = (Hop("language", value[:LONGEST]),) if name.strip() == "CHANNEL(language)" and value else ()
        return [_bound(_next(state, *hops), name, value)]

    def _dial(self, state: _State, data: str) -> _States | None:
        targets, seconds, options = (*_split(data, ","), "", "", "")[:3]
        phones = self._expanded(state, targets)
        if not phones:
            return None
        return [_next(state, self._ringing(state, phones.replace("&", ", "), seconds, options))]

    def _ringing(self, state: _State, phones: str, seconds: str, options: str) -> Hop:
        shown = self._expanded(state, options) or options
        music = "m" in re.sub(r"\([^)]*\)|\$\{[^}]*\}", "", shown)
        return Hop("phones", phones[:LONGEST], _whole(self._expanded(state, seconds)), music)

    def _queue(self, state: _State, data: str) -> _States | None:
        words = (*_split(data, ","), "", "", "", "", "")
        name = self._expanded(state, words[0])
        rings = {"r", "R"} & set(words[1])
        seconds = _whole(self._expanded(state, words[4]))
        return [_next(state, Hop("queue", name[:LONGEST], seconds, not rings))] if name else None

    def _voicemail(self, state: _State, data: str) -> _States | None:
        box = self._expanded(state, _split(data, ",")[0].partition("&")[0])
        return _ended(state, Hop("box", box[:LONGEST], place=state.context)) if box else None

    def _ask(self, state: _State, data: str) -> _States:
        """Background: the keys of this context lead on while it plays."""
        if state.menu == state.context:
            return [_next(state)]
        keys = [x for x in self._dialplan.keys(state.context) if re.fullmatch(r"[0-9*#]{1,2}", x)]
        led = [_at(state, state.context, key, 1, Hop("key", key)) for key in keys]
        return [*led, replace(_next(state), menu=state.context)]

    def _wait_for_key(self, state: _State, data: str) -> _States:
        asked = self._ask(state, data)[:-1] if state.menu != state.context else []
        if self._dialplan.steps(state.context, "t"):
            return [*asked, _at(state, state.context, "t", 1, Hop("no_key"))]
        return [*asked, _next(state, Hop("no_key"))]

    def _gosub(self, state: _State, data: str) -> _States | None:
        place, _, arguments = data.partition("(")
        return self._called(state, place, _split(arguments.removesuffix(")"), ","))

    def _macro(self, state: _State, data: str) -> _States | None:
        name, *arguments = _split(data, ",")
        return self._called(state, f"macro-{name},s,1", arguments)

    def _called(self, state: _State, place: str, arguments: list[str]) -> _States | None:
        """A subroutine: FreePBX's by its name, any other by its steps."""
        name = place.partition(",")[0]
        given = [self._expanded(state, x.strip()) or x.strip() for x in arguments]
        if PASSED_MACROS.fullmatch(name):
            return [_next(state)]
        if known := _MACROS.get(name.removeprefix("macro-")):
            return known(self, state, [*given, "", "", ""])
        target = self._target(state, place)
        if target is None:
            return None
        after = (state.context, state.exten, state.priority + 1)
        for number, value in enumerate(given, 1):
            target = _bound(target, f"ARG{number}", value)
        return [replace(target, returns=(*state.returns, after))]

    def _extension(self, state: _State, given: list[str]) -> _States | None:
        """FreePBX's `exten-vm`: the box (or novm), then the extension."""
        box, phone = given[:2]
        seconds = self._value(f"DB(AMPUSER/{phone}/ringtimer)") or ""
        rung = _whole(seconds) or _whole(self._value("RINGTIMER_DEFAULT"))
        hop = Hop("phones", phone[:LONGEST], rung)
        if not phone.isdecimal():
            return None
        return [_next(state, hop)] if box == "novm" else _ended(state, hop, Hop("box", box[:LONGEST]))

    def _group(self, state: _State, given: list[str]) -> _States | None:
        """FreePBX's `dial` and `dial-one`: seconds, options, extensions."""
        seconds, options, phones = given[:3]
        return (
            [_next(state, self._ringing(state, phones.replace("-", ", "), seconds, options))] if phones else None
        )

    def _box(self, state: _State, given: list[str]) -> _States | None:
        box = given[0]
        return None if not box or "$" in box else _ended(state, Hop("box", box[:LONGEST]))

    def _return(self, state: _State, data: str) -> _States:
        return _returned(state) if state.returns else _ended(state, Hop("hang_up"))

    def _target(self, state: _State, words: str) -> _State | None:
        """The state at `[[context,]extension,]priority`; None: a variable of the call decides."""
        given = [self._expanded(state, x.strip()) for x in _split(words, ",")]
        if not given or len(given) > 3 or not all(given):
            return None
        *place, priority = (x or "" for x in given)
        exten = place[-1] if place else state.exten
        context = place[0] if len(place) > 1 else state.context
        number = self._priority(context, exten, priority)
        return None if number is None else _at(state, context, exten, number)

    def _priority(self, context: str, exten: str, priority: str) -> int | None:
        if (number := _whole(priority)) is not None:
            return number
        steps = self._dialplan.steps(context, exten).values()
        return next((step.priority for step in steps if step.label == priority), None)

    def _expanded(self, state: _State, text: str) -> str | None:
        """The text with its variables; None where one is not known before a call."""
        known = {**dict(state.variables), "EXTEN": state.exten, "CONTEXT": state.context}
        parts: list[str] = []
        end = 0
        for found in VARIABLE.finditer(text):
            name, offset, length = found.groups()
            value = known[name] if name in known else self._value(name)
            if not value:
                return None
            parts += [text[end : found.start()], _cut(value, offset, length)]
            end = found.end()
        expanded = "".join(parts) + text[end:]
        return None if "${" in expanded or "$[" in expanded else expanded


_Run = Callable[[Walker, _State, str], _States | None]
_APPLICATIONS: dict[str, _Run] = {
    "goto": Walker._goto,
    "gotoif": Walker._goto_if,
    "gotoiftime": Walker._goto_if_time,
    "execif": Walker._exec_if,
    "set": Walker._set,
    "dial": Walker._dial,
    "queue": Walker._queue,
    "voicemail": Walker._voicemail,
    "background": Walker._ask,
    "waitexten": Walker._wait_for_key,
    "gosub": Walker._gosub,
    "macro": Walker._macro,
    "return": Walker._return,
}
_MACROS: dict[str, Callable[[Walker, _State, list[str]], _States | None]] = {
    "exten-vm": Walker._extension,
    "dial": Walker._group,
    "dial-one": Walker._group,
    "vm": Walker._box,
}


def _next(state: _State, *hops: Hop) -> _State:
    return replace(state, priority=state.priority + 1, hops=state.hops + hops)


def _bound(state: _State, name: str, value: str | None) -> _State:
    """A variable is set; None: to what only a call tells."""
    variables = {**dict(state.variables), name.strip().lstrip("_"): value}
    return replace(state, variables=tuple(sorted(variables.items())))


def _at(state: _State, context: str, exten: str, priority: int, *hops: Hop) -> _State:
    return replace(state, context=context, exten=exten, priority=priority, hops=state.hops + hops)


def _ended(state: _State, *hops: Hop) -> _States:
    return [replace(state, hops=state.hops + hops, is_ended=True)]


def _returned(state: _State) -> _States:
    *returns, (context, exten, priority) = state.returns
    return [replace(_at(state, context, exten, priority), returns=tuple(returns))]


def _unfollowed(state: _State, application: str, data: str) -> _States:
    ran = f"{application}({data})"[:LONGEST] if application else ""
    return _ended(state, Hop("unfollowed", ran, place=f"{state.context},{state.exten},{state.priority}"[:LONGEST]))


def _cut(value: str, offset: str | None, length: str | None) -> str:
    """`${NAME:offset:length}`."""
    start = value[int(offset or 0) :]
    return start[: int(length)] if length else start


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


def _split(text: str, mark: str, most: int = -1) -> list[str]:
    """The parts between marks that stand in no bracket, nor within quotes."""
    return list(_parts(text, mark, most))


def _parts(text: str, mark: str, most: int) -> Iterator[str]:
    depth = 0
    begin = 0
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == mark and depth <= 0 and most != 0:
            yield text[begin:at]
            begin = at + 1
            most -= 1
    yield text[begin:]
