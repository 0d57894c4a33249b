"""What is asked of one exchange, and the type of its answers. Pure. Refuses: to ask for a secret or a password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from callmon.tools.doctor import event_filter, layout

MANAGER, CEL, CEL_FILE, CEL_ODBC = "manager.conf", "cel.conf", "cel_custom.conf", "cel_odbc.conf"
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
            *self.values(layout.GENERATED_CEL, "general", section_key),
        )
        return frozenset(word.strip().lower() for line in found for word in line.split(",") if word.strip())

    @property
    def may_ask(self) -> bool:
        """Whether this user may ask for configuration."""
        return "Getvar" in self.commands

    @property
    def major(self) -> int:
        """16, 22 …; 0 if the exchange did not give its version."""
        head = self.version.partition(".")[0]
        return int(head) if head.isdigit() else 0


def variables(username: str) -> list[str]:
    user = [setting(MANAGER, username, key) for key in ("read", "write", "writetimeout")]
    return [
        setting(MANAGER, "general", "timestampevents"),
        *user,
        new_voicemail(username),
        *(setting(file, "general", "enable") for file in (CEL, layout.GENERATED_CEL)),
        setting(CEL_FILE, "mappings", "Master.csv"),
        setting(CEL_ODBC, "cel", "connection"),
        setting("indications.conf", "general", "country"),
        setting("indications.conf", "us", "ring"),
        setting(CHAN_SIP, "general", "callcounter"),
        *layout.signs(username),
    ]


def lists(username: str) -> list[tuple[str, str, str]]:
    """Keys that may occur several times."""
    cel = [(file, "general", key) for file in (CEL, layout.GENERATED_CEL) for key in ("apps", "events")]
    return [(MANAGER, username, "eventfilter"), *cel]


def new_voicemail(username: str) -> str:
    return f"AST_CONFIG({MANAGER},{username},{event_filter.NEW_VOICEMAIL_KEY})"
