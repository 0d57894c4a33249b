"""Fixtures of several tests: a real Asterisk, if the machine can run one."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.lab.exchange import Asterisk
from tests.lab.folder import folder, locked
from tests.lab.needed import needed
from tests.lab.pace import FAST
from tests.lab.pango import have_pango
from tests.lab.place import logs_of_servers
from tests.support.daemon_process import ROOT
from tests.support.environment import GIVEN, remove_given
from tests.support.examples import REST, WHOLE, examples
from tests.support.forked_daemon import end_server
from tests.support.half_hours import HALF_HOURS
from tests.support.sign_in_app import quick_passwords

if TYPE_CHECKING:  # half a second of imports in every process: imported where a browser is opened
    from playwright.sync_api import Browser

    from dashboards.source.drawn import Easel
    from tests.lab.browser import Chromium
    from tests.support.pages_daemon import Site

TESTS = Path(__file__).parent
pytest_plugins = ["tests.support.store_fixtures"]

SHRINK = GIVEN.get("CALLMON_SHRINK") != "0"  # a failing example is made as small as it can be

# No test may fail because the machine was busy. Examples are the same each time; others on request:
#     CALLMON_EXAMPLES=random pytest …
settings.register_profile(
    "callmon",
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=GIVEN.get("CALLMON_EXAMPLES") != "random",
    phases=[phase for phase in Phase if SHRINK or phase not in (Phase.shrink, Phase.explain)],
)
settings.load_profile("callmon")

# These half-hours are no part of the repository: their tests are collected only where the file is.
collect_ignore = [] if HALF_HOURS.is_file() else ["unit/test_half_hours_of_a_centre.py"]

TURN = GIVEN.get("CALLMON_TURN", "")
DATABASES = {"store", "sqlite_store", "url", "postgres_server"}  # fixtures
SECONDS_WITH_SERVERS = 1200  # time limit of one test; for all others it is the `timeout` of pyproject.toml


def pytest_configure(config: pytest.Config) -> None:
    """Undo what the shell handed down: variables for the tests, and SIGINT ignored in its background jobs."""
    if getattr(config.option, "dist", "no") == "no":  # xdist's workers still need the variables
        remove_given()
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection(session: pytest.Session) -> None:
    """Each of several workers imports all tests, and begins at another one.

    In a fresh tree nothing is compiled. Beginning at the same file, all would compile each file at the same time.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ or session.config.args_source != pytest.Config.ArgsSource.TESTPATHS:
        return
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    files = [
        path for path in sorted(TESTS.rglob("test_*.py")) if str(path.relative_to(TESTS)) not in collect_ignore
    ]
    first = len(files) * worker // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in (*files[first:], *files[:first]):
        with suppress(Exception, pytest.skip.Exception):  # collecting the file reports it
            import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks derived from the folder, from fixtures and from other marks: the stages select by them."""
    fixtures = getattr(item, "fixturenames", ())
    kind = item.path.parent.name
    # A test that needs a database is never `unit`.
    item.add_marker("store" if kind == "unit" and not DATABASES.isdisjoint(fixtures) else kind)
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if "postgres_server" in fixtures or "postgresql" in parameters.values():
        item.add_marker("postgresql")
    if item.get_closest_marker("lab") and not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(SECONDS_WITH_SERVERS))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves `count` items of a function marked `sampled(count)`, the same each time. CALLMON_WHOLE=1: all.

    CALLMON_WHOLE=rest: those that `make test` leaves out, or runs with fewer examples. CALLMON_TURN, the number of
    a commit: of a function marked `turns(count)`, the `count` items whose turn it is.
    """
    if WHOLE and not REST:
        return
    left_out = list(_not_drawn(items, "sampled", ""))
    if REST:
        rest = set(map(id, left_out))
        left_out = [item for item in items if id(item) not in rest and not _is_of_the_rest(item)]
    _leave_out(config, items, left_out)
    if TURN:
        _leave_out(config, items, list(_not_drawn(items, "turns", TURN)))


def _leave_out(config: pytest.Config, items: list[pytest.Item], left_out: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=left_out)
    ignored = set(map(id, left_out))
    items[:] = [item for item in items if id(item) not in ignored]


def _is_of_the_rest(item: pytest.Item) -> bool:
    """Whether `make test` leaves the item out for its mark, or may draw fewer examples."""
    if any(item.get_closest_marker(mark) for mark in ("lab", "postgresql", "long")):
        return True
    assert isinstance(item, pytest.Function)
    return getattr(item.obj, "is_hypothesis_test", False) or examples in vars(item.module).values()


def _not_drawn(items: list[pytest.Item], mark: str, seed: str) -> Iterator[pytest.Item]:
    """Of each function with this mark, all items but `count` that the function's name and the seed draw."""
    functions: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker(mark):
            functions.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for name, group in functions.items():
        found = group[0].get_closest_marker(mark)
        assert found is not None
        yield from random.Random(name + seed).sample(group, max(0, len(group) - found.args[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test says where the logs of its servers are."""
    report = yield
    if kept := logs_of_servers(report.failed):
        report.sections.append(("Logs of the servers", "\n".join(map(str, kept))))
    return report


def pytest_collection_finish() -> None:
    """Modules and tests live as long as this process: the garbage collector need not look at them each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def pytest_sessionfinish() -> None:
    end_server()


@pytest.fixture(scope="session")
def lab() -> None:
    """The folder with Asterisk 22. If it cannot be made, the test is skipped; in CI that is a failure."""
    with needed("22"):
        folder("22")


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of `make archive`, made once for all workers. The wheels it contains are beside it."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "dist"
    with locked(place.with_suffix(".lock")):
        if found := list(place.glob("*.tar.gz")):
            return found[0]
        command = [sys.executable, str(ROOT / ".ci/archive"), sys.executable, str(place)]
        made = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        return Path(made.stdout.strip())


@pytest.fixture
def asterisk(lab: None) -> Iterator[Asterisk]:
    """A fresh Asterisk 22 with the shipped configuration."""
    with Asterisk("22") as exchange:
        yield exchange


@pytest.fixture
def fast_asterisk(lab: None) -> Iterator[Asterisk]:
    """The same, with every duration a quarter as long (`tests.lab.pace`)."""
    with Asterisk("22", pace=FAST) as exchange:
        yield exchange


@pytest.fixture(params=["22", "16"])
def exchange(request: pytest.FixtureRequest) -> Iterator[Asterisk]:
    """The same, of Asterisk 22 and of 16."""
    with needed(request.param):
        running = Asterisk(request.param)
    with running:
        yield running


@pytest.fixture(params=["22", "16"])
def fast_exchange(request: pytest.FixtureRequest) -> Iterator[Asterisk]:
    """A fast exchange, of Asterisk 22 and of 16."""
    with needed(request.param):
        running = Asterisk(request.param, pace=FAST)
    with running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running site, over a filled database."""
    from tests.support.pages_daemon import site

    with site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One Chromium for the session, from the Debian folder; skipped and required like the exchange."""
    from tests.lab.browser import Chromium

    with needed("browser"):
        running = Chromium().__enter__()
    try:
        yield running
    finally:
        running.__exit__(None, None, None)


@pytest.fixture
def browser(chromium: Chromium) -> Iterator[Browser]:
    """Playwright's browser: `tests.lab.browser.opened` shows a page in it."""
    from tests.lab.browser import connected

    with connected(chromium) as found:
        yield found


@pytest.fixture(scope="session")
def easel_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that draws boards with Grafana's own components; required like Chromium."""
    from dashboards.source.drawn import bundled, served

    place = tmp_path_factory.mktemp("easel")
    with needed("browser"):
        bundled(place)
    with served(place) as address:
        yield address


@pytest.fixture
def easel(browser: Browser, easel_site: str) -> Easel:
    """The page on which boards are drawn."""
    from dashboards.source.drawn import Easel

    return Easel(browser, easel_site)


@pytest.fixture(scope="session")
def pango() -> None:
    """The library that draws PDFs: installed on Debian, skipped elsewhere, required in CI."""
    with needed("pango"):
        have_pango()


@pytest.fixture(name="quick_passwords")
def _quick_passwords() -> Iterator[None]:
    """Signing in takes milliseconds."""
    with quick_passwords():
        yield
