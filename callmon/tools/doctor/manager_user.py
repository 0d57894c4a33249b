"""What callmon's AMI user may receive and do, and how events arrive: complaints about manager.conf. Pure.

The rights are derived from the commands that Asterisk offers, which reflect the loaded configuration. The rest
is read from its files, which may be newer than the loaded configuration: hence "then" after every snippet.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from callmon.config.exchange import ExchangeSettings
from callmon.tools.doctor import event_filter
from callmon.tools.doctor.finding import DoctorFinding, Severity
from callmon.tools.doctor.layout import FREEPBX, Layout, is_generated_user
from callmon.tools.doctor.questions import MANAGER, ExchangeAnswers, new_voicemail

READ = "call,agent,user,system,dialplan"
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
        """Whether its filter uses the syntax of Asterisk 22, also if this version ignores it."""
        return bool(self.answers.variables.get(new_voicemail(self.exchange.username)))

    @property
    def obeys_new_filter(self) -> bool:
        """Whether such a filter applies. Its lines have no value, and cannot be read."""
        return self.has_new_filter and self.answers.major >= 20

    def of_user(self, severity: Severity, what: str, why: str, *lines: str) -> DoctorFinding:
        """A finding about the user's section. The last value wins: lines at the end of the file suffice."""
        return self.of_manager(severity, what, why, f"[{self.exchange.username}](+)", *lines)

    def of_manager(self, severity: Severity, what: str, why: str, *lines: str) -> DoctorFinding:
        layout = self.layout
        return DoctorFinding(self.name, severity, what, why, layout.manager_file, lines, layout.manager_then)

    def warning(
        self, what: str, why: str, file: str = "", lines: tuple[str, ...] = (), then: str = ""
    ) -> DoctorFinding:
        return DoctorFinding(self.name, "warning", what, why, file, lines, then)


def complaints(examined: Examination) -> Iterator[DoctorFinding]:
    of_user = [*_rights(examined)]
    if examined.answers.may_ask:  # else the rest is not known
        yield from _times(examined)
        of_user += [*_hearing(examined), *_filter(examined), *_patience(examined)]
    yield from of_user
    generated = is_generated_user(examined.exchange.username, examined.answers.variables)
    if of_user and generated and examined.layout is FREEPBX:
        yield _of_gui(examined)


def _of_gui(examined: Examination) -> DoctorFinding:
    user = examined.exchange.username
    return examined.warning(
        f"user {user!r} was created in FreePBX's GUI.",
        "The GUI cannot express the needed settings. Delete the user there, and write it into "
        f"{examined.layout.manager_file}. If you keep it, remove the lines [{user}](+) before "
        "you delete it in the GUI: otherwise Asterisk refuses the whole file and every login.",
    )


def _rights(examined: Examination) -> Iterator[DoctorFinding]:
    """`write = reporting` and nothing more: every offered command needs `reporting`, or no right."""
    commands = examined.answers.commands
    more = [name for name, rights in commands.items() if not {"<none>", "reporting"} & {*rights.split(",")}]
    user = examined.exchange.username
    if more:
        told = [name for name in TELLING if name in more] or sorted(more)
        yield examined.of_user(
            "warning",
            f"user {user!r} has more rights than callmon needs: {', '.join(told[:4])} and others ({len(more)} "
            "commands).",
            "callmon only reads. With more rights, a stolen secret allows hanging up the public's calls.",
            "write = reporting",
        )
    elif "CoreShowChannels" not in commands:
        yield examined.of_user(
            "error",
            f"user {user!r} may not list the calls in progress.",
            "Without `reporting`, callmon cannot resume the calls in progress after a reconnection, "
            "and doctor cannot check more.",
            "write = reporting",
        )


def _times(examined: Examination) -> Iterator[DoctorFinding]:
    if examined.answers.value(MANAGER, "general", "timestampevents").lower() not in TRUE:
        yield examined.of_manager(
            "error",
            "events carry no time, because timestampevents is not set.",
            "Rings are counted between the times of events. Without them every wait and every ring is unknown.",
            "[general](+)",
            "timestampevents = yes",
        )


def _hearing(examined: Examination) -> Iterator[DoctorFinding]:
    classes = _classes(examined)
    if "all" in classes:
        missing, more = [], ["all"]
    else:
        missing = [name for name in NEEDED if name not in classes]
        more = sorted(classes - NEEDED.keys() - HARMLESS)
    user = examined.exchange.username
    if missing:
        yield examined.of_user(
            "error" if ERRORS & set(missing) else "warning",
            f"user {user!r} does not receive the class{'es' if len(missing) > 1 else ''} {', '.join(missing)}.",
            f"Not received: {'; '.join(NEEDED[name] for name in missing)}.",
            f"read = {READ}",
        )
    elif more:
        yield examined.of_user(
            "warning",
            f"user {user!r} receives more than callmon needs: {', '.join(more)}.",
            "They include the keys that callers press (dtmf) and every step of the dialplan: "
            "personal information that callmon does not need.",
            f"read = {READ}",
        )


def _filter(examined: Examination) -> Iterator[DoctorFinding]:
    filters, user = examined.filters, examined.exchange.username
    if examined.obeys_new_filter:
        return
    white = [text for text in filters if not text.startswith("!")]
    if not white:
        yield _unfiltered(examined)
        return
    if not (missing := event_filter.kept_back(filters)):
        return
    black = [text for text in filters if text.startswith("!") and event_filter.kept_back([text])]
    unnamed = event_filter.kept_back(white)
    names = [name for name in unnamed if name != event_filter.VOICEMAIL]
    yield examined.of_user(
        "warning" if event_filter.DISPENSABLE.issuperset(missing) else "error",
        f"the event filter of user {user!r} drops events that callmon needs: {', '.join(missing)}.",
        "callmon cannot count events that it does not receive. (Filter lines add up; lines with ! take "
        "precedence.)",
        *([event_filter.old_line(names)] if names else ()),
        *([event_filter.VOICEMAIL_LINE] if event_filter.VOICEMAIL in unnamed else ()),
        *(f"; and delete: eventfilter = {text}" for text in black),
    )


def _unfiltered(examined: Examination) -> DoctorFinding:
    ignored = " Its filter has the syntax of Asterisk 22, which this version ignores silently."
    return examined.of_user(
        "warning",
        f"user {examined.exchange.username!r} has no event filter.",
        "Asterisk sends about seven times the needed events, and hundreds per call with the class dialplan; "
        f"some hold personal information.{ignored if examined.has_new_filter else ''}",
        *event_filter.lines(),
    )


def hears_voicemail(examined: Examination) -> bool:
    """Whether the dialplan step VoiceMail reaches callmon."""
    if not {"all", "dialplan"} & _classes(examined):
        return False
    return examined.obeys_new_filter or event_filter.VOICEMAIL not in event_filter.kept_back(examined.filters)


def _classes(examined: Examination) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in examined.user("read").split(",") if word.strip())


def _patience(examined: Examination) -> Iterator[DoctorFinding]:
    text = examined.user("writetimeout")
    if text.isdigit() and int(text) >= SHORTEST_WRITETIMEOUT:
        return
    said = f"only {text} ms" if text else "not set (100 ms)"
    yield examined.of_user(
        "warning",
        f"writetimeout is {said}.",
        "After a longer network delay, Asterisk closes the connection; calls of that time have a gap.",
        "writetimeout = 10000",
    )
