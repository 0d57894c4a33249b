"""What is asked of one exchange, the type of its answers, and how it stores its configuration. Pure.

FreePBX rewrites manager.conf, manager_additional.conf, cel.conf and cel_general_additional.conf at every
"Apply". Refuses: to propose an edit of these files; only of their `_custom` counterparts, which are included
after them. There, `[general](+)` adds to the existing section (measured: the last value of a key wins).
Refuses: to ask for a secret or a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from callmon.tools.doctor import event_filter, versions


@dataclass(frozen=True, slots=True)
class Layout:
    manager_file: str
    cel_file: str
    manager_then: str
    cel_then: str


PLAIN = Layout("manager.conf", "cel.conf", "asterisk -rx 'manager reload'", "asterisk -rx 'module reload cel'")
FREEPBX = Layout("manager_custom.conf", "cel_general_custom.conf", "fwconsole reload", "fwconsole reload")

# Included files are requested as `./FILE`. Asterisk caches a file by its name. A file requested under both names
# would be returned as an outdated copy under one of them (measured on 22 and 16).
GENERATED_CEL = "./cel_general_additional.conf"
GENERATED_MANAGER = "./manager_additional.conf"
CUSTOM_MANAGER = "./manager_custom.conf"
# The apps in FreePBX's generated CEL configuration.
_GENERATED_APPS = frozenset(("confbridge", "meetme", "mixmonitor", "stopmixmonitor"))


def signs(username: str) -> tuple[str, ...]:
    """The variables that distinguish FreePBX from a plain Asterisk.

    Variables of its dialplan, and the user in a file that only FreePBX has. One sign alone is not sufficient: a
    custom file that begins with `[general](+)` cannot be read by itself.
    """
    files = (CUSTOM_MANAGER, GENERATED_MANAGER)
    return (
        "AMPBIN",
        "AMPWEBROOT",
        *(_of_user(file, username, key) for file in files for key in ("read", "write")),
    )


def _of_user(file: str, username: str, key: str) -> str:
    return f"AST_CONFIG({file},{username},{key})"


MANAGER = "manager.conf"
CEL = "cel.conf"
CEL_FILE = "cel_custom.conf"
CEL_ODBC = "cel_odbc.conf"
CHAN_SIP = "sip.conf"
READ = "call,agent,user,system,dialplan"  # the classes of events that callmon needs


def setting(file: str, section: str, key: str) -> str:
    """The AST_CONFIG variable of a key's last value, which is the one that Asterisk obeys."""
    return f"AST_CONFIG({file},{section},{key},-1)"


@dataclass(frozen=True)
class ExchangeAnswers:
    """The exchange's answers; or, in `failure`, why there are none. `us` is this machine's address towards it."""

    failure: str | None = None
    text: str = ""
    us: str = ""
    version: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str | None] = field(default_factory=dict)
    lists: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    mailboxes: frozenset[str] | None = None
    devices: frozenset[str] | None = None
    ahead: timedelta | None = None

    def value(self, file: str, section: str, key: str) -> str:
        return self.variables.get(setting(file, section, key)) or ""

    def values(self, file: str, section: str, key: str) -> tuple[str, ...]:
        return self.lists.get((file, section, key), ())

    def words(self, section_key: str) -> frozenset[str]:
        """CEL's configured `apps` or `events`, from every line and both files, in lower case."""
        found = (
            *self.values(CEL, "general", section_key),
            *self.values(GENERATED_CEL, "general", section_key),
        )
        return frozenset(word.strip().lower() for line in found for word in line.split(",") if word.strip())

    def is_generated(self, username: str) -> bool:
        """Whether the user was created in FreePBX's GUI."""
        return any(self.variables.get(_of_user(GENERATED_MANAGER, username, key)) for key in ("read", "write"))

    @property
    def may_ask(self) -> bool:
        """Whether this user may ask for configuration."""
        return "Getvar" in self.commands

    @property
    def release(self) -> versions.Release:
        """Its major and minor version; (0, 0) if it did not give them."""
        return versions.release(self.version)


def variables(username: str) -> list[str]:
    user = [setting(MANAGER, username, key) for key in ("read", "write", "writetimeout")]
    return [
        setting(MANAGER, "general", "timestampevents"),
        *user,
        new_voicemail(username),
        *(setting(file, "general", "enable") for file in (CEL, GENERATED_CEL)),
        setting(CEL_FILE, "mappings", "Master.csv"),
        *(setting(CEL_FILE, "Master.csv", key) for key in ("fields", "format")),
        setting(CEL_ODBC, "cel", "connection"),
        setting("indications.conf", "general", "country"),
        setting("indications.conf", "us", "ring"),
        setting(CHAN_SIP, "general", "callcounter"),
        *signs(username),
    ]


def lists(username: str) -> list[tuple[str, str, str]]:
    """Keys that may occur several times."""
    cel = [(file, "general", key) for file in (CEL, GENERATED_CEL) for key in ("apps", "events")]
    return [*((MANAGER, username, key) for key in ("eventfilter", "deny", "permit", "acl")), *cel]


def new_voicemail(username: str) -> str:
    return f"AST_CONFIG({MANAGER},{username},{event_filter.NEW_VOICEMAIL_KEY})"


def layout(username: str, answers: ExchangeAnswers) -> Layout:
    seen = any(answers.variables.get(sign) not in (None, "") for sign in signs(username))
    has_generated_cel = bool(answers.values(GENERATED_CEL, "general", "apps"))
    is_freepbx = seen or has_generated_cel or answers.words("apps") >= _GENERATED_APPS
    return FREEPBX if is_freepbx else PLAIN
