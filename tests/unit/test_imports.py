"""Every module of callmon can be imported by each Python: of some, few tests run a line."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import callmon

SCRIPTS = {"callmon.__main__", "callmon.store.migrations.env"}


def test_every_module_is_imported() -> None:
    for found in walk_packages(callmon.__path__, "callmon."):
        if found.name not in SCRIPTS:
            import_module(found.name)
