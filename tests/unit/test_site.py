"""The site: every door of every feature opens, and the value itself is light."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from callmon.feature import parts
from callmon.site import FEATURES
from callmon.web.api.resource import Resource
from callmon.web.auth.route import PageRoute

DOORS = {"pages": PageRoute, "resources": Resource, "workers": type}
HEAVY = ("callmon.store", "callmon.web", "sqlalchemy", "starlette")


@pytest.mark.parametrize("door", DOORS)
def test_behind_a_door_stand_values_of_its_own_type(door: str) -> None:
    assert {type(part) for part in parts(FEATURES, door)} == {DOORS[door]}


def test_no_two_pages_have_the_same_name() -> None:
    names = Counter(page.name for page in parts(FEATURES, "pages"))
    assert [name for name, count in names.items() if count > 1] == []


def test_the_twin_of_a_form_is_a_page() -> None:
    pages = {page.name: page for page in parts(FEATURES, "pages")}
    twins = {page.twin for page in pages.values() if page.twin}
    assert {twin: pages[twin].methods for twin in twins} == dict.fromkeys(twins, ("GET",))


def test_the_daemon_imports_no_feature() -> None:
    code = "import sys, callmon.daemon.daemon; print([name for name in sys.modules if 'callmon.features' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_site_alone_imports_neither_web_nor_database() -> None:
    code = f"import sys, callmon.site; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
