"""What callmon's AMI user may receive and do, and how events arrive: complaints about manager.conf. Pure.

The rights are derived from the commands that Asterisk offers, which reflect the loaded configuration. The rest
is read from its files, which may be newer than the loaded configuration: hence "then" after every snippet.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from callmon.config.exchange import ExchangeSettings
from callmon.tools.doctor import event_filter, versions
from callmon.tools.doctor.finding import DoctorFinding, Severity, finding, reader_text
from callmon.tools.doctor.questions import FREEPBX, MANAGER, READ, ExchangeAnswers, Layout, new_voicemail

NEEDED = {
    "call": "calls, ringing, answers and hang-ups, which callmon measures",
    "system": "start and stop of Asterisk during calls",
    "user": "events that the dialplan sends to callmon",
    "agent": "waiting queues",
    "dialplan": "voicemail that takes a call after a menu or a queue",
}
ERRORS = frozenset(("call", "system"))
# More than needed, but harmless: the filter passes none of their events, or they hold nothing new.
HARMLESS = frozenset(("cdr", "reporting", "log"))
TELLING = ("Hangup", "Redirect", "Originate", "Command", "Setvar", "Reload", "UpdateConfig", "ModuleLoad")
TRUE = frozenset(("yes", "true", "y", "t", "1", "on"))
SHORTEST_WRITETIMEOUT = 5000  # ms
ANY_ADDRESS = frozenset(("0.0.0.0/0.0.0.0", "0.0.0.0/0", "::/0"))


@dataclass(frozen=True)
class Examination:
    """One exchange under examination: makes findings that name it and its files."""

    name: str
    exchange: ExchangeSettings
    answers: ExchangeAnswers
    layout: Layout

    def user(self, key: str) -> str:
        return self.answers.value(MANAGER, self.exchange.username, key)

    @property
    def filters(self) -> tuple[str, ...]:
        return self.answers.values(MANAGER, self.exchange.username, "eventfilter")

    @property
    def has_new_filter(self) -> bool:
        """Whether its filter uses the newer syntax, also if this version ignores it."""
        return bool(self.answers.variables.get(new_voicemail(self.exchange.username)))

    @property
    def obeys_new_filter(self) -> bool:
        """Whether such a filter applies. Its lines have no value, and cannot be read."""
        return self.has_new_filter and versions.has(versions.FILTER_BY_NAME, self.answers.release)

    def finding(self, kind: str, *lines: str, severity: Severity | None = None, **values: object) -> DoctorFinding:
        """A finding about it. The last value of a key wins: lines at the end of a file suffice."""
        us = self.answers.us or "127.0.0.1"
        values |= asdict(self.layout) | {"user": self.exchange.username, "read": READ}
        values |= {"us": us, "mask": "128" if ":" in us else "255.255.255.255", "version": self.answers.version}
        return finding(kind, *lines, exchange=self.name, severity=severity, **values)


def complaints(examined: Examination) -> Iterator[DoctorFinding]:
    of_user = [*_rights(examined)]
    if examined.answers.may_ask:  # else the rest is not known
        if examined.answers.value(MANAGER, "general", "timestampevents").lower() not in TRUE:
            yield examined.finding("user.no_times")
        of_user += [*_reception(examined), *_filter(examined), *_patience(examined), *_addresses(examined)]
    yield from of_user
    is_generated = examined.answers.is_generated(examined.exchange.username)
    if of_user and is_generated and examined.layout is FREEPBX:
        yield examined.finding("user.in_gui")


def _rights(examined: Examination) -> Iterator[DoctorFinding]:
    """`write = reporting` and nothing more: every offered command needs `reporting`, or no right."""
    commands = examined.answers.commands
    more = [name for name, rights in commands.items() if not {"<none>", "reporting"} & {*rights.split(",")}]
    if more:
        worst = [name for name in TELLING if name in more] or sorted(more)
        yield examined.finding("user.more_rights", names=", ".join(worst[:4]), count=len(more))
    elif "CoreShowChannels" not in commands:
        yield examined.finding("user.no_listing")


def _reception(examined: Examination) -> Iterator[DoctorFinding]:
    classes = _classes(examined)
    if "all" in classes:
        missing, more = [], ["all"]
    else:
        missing = [name for name in NEEDED if name not in classes]
        more = sorted(classes - NEEDED.keys() - HARMLESS)
    if missing:
        purposes, plural = (
            "; ".join(reader_text(NEEDED[name]) for name in missing),
            "es" if len(missing) > 1 else "",
        )
        severity: Severity = "error" if ERRORS & set(missing) else "warning"
        names = ", ".join(missing)
        yield examined.finding("user.no_class", severity=severity, names=names, plural=plural, purposes=purposes)
    elif more:
        yield examined.finding("user.more_classes", names=", ".join(more))


def _filter(examined: Examination) -> Iterator[DoctorFinding]:
    filters = examined.filters
    if examined.obeys_new_filter:
        return
    white = [text for text in filters if not text.startswith("!")]
    if not white:
        ignored = reader_text(" Its filter has the newer syntax, which this version ignores silently.")
        yield examined.finding(
            "user.no_filter", *event_filter.lines(), ignored=ignored if examined.has_new_filter else ""
        )
        return
    if not (missing := event_filter.kept_back(filters)):
        return
    black = [text for text in filters if text.startswith("!") and event_filter.kept_back([text])]
    unnamed = event_filter.kept_back(white)
    names = [name for name in unnamed if name != event_filter.VOICEMAIL]
    yield examined.finding(
        "user.filter",
        *([event_filter.old_line(names)] if names else ()),
        *(event_filter.STEP_LINES if event_filter.VOICEMAIL in unnamed else ()),
        *(f"; and delete: eventfilter = {text}" for text in black),
        severity="warning" if event_filter.DISPENSABLE.issuperset(missing) else "error",
        names=", ".join(missing),
    )


def hears_voicemail(examined: Examination) -> bool:
    """Whether the dialplan step VoiceMail reaches callmon."""
    if not {"all", "dialplan"} & _classes(examined):
        return False
    return examined.obeys_new_filter or event_filter.hears_voicemail(examined.filters)


def _classes(examined: Examination) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in examined.user("read").split(",") if word.strip())


def _patience(examined: Examination) -> Iterator[DoctorFinding]:
    text = examined.user("writetimeout")
    if text.isdigit() and int(text) >= SHORTEST_WRITETIMEOUT:
        return
    length = reader_text("only {text} ms" if text else "not set (100 ms)").format(text=text)
    yield examined.finding("user.writetimeout", length=length)


def _addresses(examined: Examination) -> Iterator[DoctorFinding]:
    """Every user may end a conversation (BridgeDestroy needs no right). Asterisk can restrict its address."""
    deny, permit, acl = (
        examined.answers.values(MANAGER, examined.exchange.username, key) for key in ("deny", "permit", "acl")
    )
    if not acl and (not deny or ANY_ADDRESS.intersection(permit)):
        yield examined.finding("user.any_address")
