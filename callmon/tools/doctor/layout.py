"""How an exchange keeps its configuration: Asterisk's own files, or FreePBX's. Says where lines belong. Pure.

FreePBX writes manager.conf, manager_additional.conf, cel.conf and cel_general_additional.conf anew whenever
somebody presses "Apply": doctor never asks to edit these, only their `_custom` neighbours, which are included
behind them. There, `[general](+)` adds to the section that is (measured: the last value of a key wins).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    name: str
    manager_file: str
    cel_file: str
    cel_section: str  # to add to the section that is there
    manager_then: str
    cel_then: str


PLAIN = Layout(
    name="Asterisk",
    manager_file="manager.conf",
    cel_file="cel.conf",
    cel_section="[general](+)",
    manager_then="asterisk -rx 'manager reload'",
    cel_then="asterisk -rx 'module reload cel'",
)
FREEPBX = Layout(
    name="FreePBX",
    manager_file="manager_custom.conf",
    cel_file="cel_general_custom.conf",
    cel_section="[general](+)",
    manager_then="fwconsole reload",
    cel_then="fwconsole reload",
)

# Files that others include are asked for as `./FILE`. Asterisk remembers what it has read of a file by its name,
# and asked for both ways it would show us an old copy of one of the two (measured on 22 and 16).
GENERATED_CEL = "./cel_general_additional.conf"
GENERATED_MANAGER = "./manager_additional.conf"
CUSTOM_MANAGER = "./manager_custom.conf"
# What FreePBX names as apps in the CEL configuration that it generates.
_GENERATED_APPS = frozenset(("confbridge", "meetme", "mixmonitor", "stopmixmonitor"))


def signs(username: str) -> tuple[str, ...]:
    """What to ask to tell FreePBX from a plain Asterisk.

    Variables of its dialplan, and the user in a file that only it has. (By itself, a custom file that begins
    with `[general](+)` cannot be read: one sign alone does not do.)
    """
    return (
        "AMPBIN",
        "AMPWEBROOT",
        *(
            _of_user(file, username, key)
            for file in (CUSTOM_MANAGER, GENERATED_MANAGER)
            for key in ("read", "write")
        ),
    )


def layout(
    username: str, variables: Mapping[str, str | None], generated_cel: bool, apps: frozenset[str]
) -> Layout:
    """`generated_cel`: FreePBX's own CEL file has something in it; `apps`: the applications that CEL logs."""
    seen = any(variables.get(sign) not in (None, "") for sign in signs(username))
    return FREEPBX if seen or generated_cel or apps >= _GENERATED_APPS else PLAIN


def is_generated_user(username: str, variables: Mapping[str, str | None]) -> bool:
    """The user was made in the GUI."""
    return any(variables.get(_of_user(GENERATED_MANAGER, username, key)) for key in ("read", "write"))


def _of_user(file: str, username: str, key: str) -> str:
    return f"AST_CONFIG({file},{username},{key})"
