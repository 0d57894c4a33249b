"""How an exchange stores its configuration: Asterisk's own files, or FreePBX's. Says where lines belong. Pure.

FreePBX rewrites manager.conf, manager_additional.conf, cel.conf and cel_general_additional.conf at every
"Apply". Refuses: to propose an edit of these files; only of their `_custom` counterparts, which are included
after them. There, `[general](+)` adds to the existing section (measured: the last value of a key wins).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    manager_file: str
    cel_file: str
    manager_then: str
    cel_then: str


PLAIN = Layout("manager.conf", "cel.conf", "asterisk -rx 'manager reload'", "asterisk -rx 'module reload cel'")
FREEPBX = Layout("manager_custom.conf", "cel_general_custom.conf", "fwconsole reload", "fwconsole reload")
ADDED = "[general](+)"  # header that adds to the existing section

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


def layout(
    username: str, variables: Mapping[str, str | None], generated_cel: bool, apps: frozenset[str]
) -> Layout:
    """`generated_cel`: FreePBX's own CEL file is not empty. `apps`: the applications that CEL logs."""
    seen = any(variables.get(sign) not in (None, "") for sign in signs(username))
    return FREEPBX if seen or generated_cel or apps >= _GENERATED_APPS else PLAIN


def is_generated_user(username: str, variables: Mapping[str, str | None]) -> bool:
    """Whether the user was created in the GUI."""
    return any(variables.get(_of_user(GENERATED_MANAGER, username, key)) for key in ("read", "write"))


def _of_user(file: str, username: str, key: str) -> str:
    return f"AST_CONFIG({file},{username},{key})"
