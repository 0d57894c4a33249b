"""What the tests see pages with sees what is wrong with one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.lab.browser import Chromium, faint, opened, overflowing, shot, stops, violations
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab

PAGE = """<!DOCTYPE html><html lang="fr"><head><title>Rapport</title><style>a:focus {{ outline: 2px solid }}
@media (prefers-color-scheme: dark) {{ html {{ background: #111; color: #eee }} a {{ color: #9cf }} }}
.scroller {{ overflow-x: auto }} .wide {{ width: 900px }}</style></head><body><main><h1>Rapport</h1>
<p><a href="#b">Suite</a> <a href="#b">Fin</a></p>{more}</main></body></html>"""


def page(more: str = "") -> str:
    return PAGE.format(more=more)


def test_a_good_page_has_nothing_wrong_in_any_colours(browser: Browser) -> None:
    for colours in ("light", "dark"):
        with opened(browser, page(), colours=colours) as shown:
            assert violations(shown) == []


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ('<img src="data:,">', "image-alt: img"),
        ('<p style="color: #aaa">peu lisible</p>', "color-contrast: "),
        ("<p><input></p>", "label: input"),
        (
            '<p style="background: linear-gradient(#fff, #000)">peu lisible</p>',
            "undecided color-contrast: p: peu lisible",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_its_place(browser: Browser, fault: str, rule: str) -> None:
    with opened(browser, page(fault)) as shown:
        found = violations(shown)
    assert {line[: len(rule)] for line in found} == {rule}


def test_the_contrast_of_every_text_is_decided(browser: Browser) -> None:
    faults = (
        '<p style="color: #777">a</p><h2 style="color: #777; font-size: 24px">Titre</h2>'
        '<div style="background: #555"><em style="color: #888">b</em></div><p style="color: #0008">c</p>'
        '<svg width="90" height="20"><text y="15" fill="#ccc">d</text><text y="15" fill="#333">e</text></svg>'
    )
    with opened(browser, page(faults)) as shown:
        assert faint(shown) == [
            "color-contrast: p: 4.48: a", "color-contrast: em: 2.10: b",
            "undecided color-contrast: p: c", "color-contrast: text: 1.61: d",
        ]  # fmt: skip


def test_a_page_that_scrolls_sideways_is_reported_but_not_a_table(browser: Browser) -> None:
    table = '<table class="wide"><tr><td>1</td></tr></table>'
    with opened(browser, page(table), width=320) as shown:
        assert overflowing(shown)[0] == "the page scrolls sideways"
        assert "table.wide" in overflowing(shown)
    with opened(browser, page(f'<div class="scroller">{table}</div>'), width=320) as shown:
        assert overflowing(shown) == []


def test_the_tab_key_leads_to_every_link_and_the_focus_is_seen(browser: Browser) -> None:
    with opened(browser, page('<p><a href="#c" style="outline: none">Caché</a></p>')) as shown:
        assert stops(shown) == [("a", "Suite", True), ("a", "Fin", True), ("a", "Caché", False)]


def test_zoom_leaves_half_the_width(browser: Browser) -> None:
    with opened(browser, page('<p class="wide">a</p>'), width=1280, zoom=2) as shown:
        assert shown.evaluate("[innerWidth, devicePixelRatio]") == [640, 2]
        assert overflowing(shown) == ["the page scrolls sideways", "p.wide"]


def test_a_reader_without_script_sees_the_page(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page("<script>document.body.innerHTML = ''</script>"), script=False) as shown:
        assert shown.title() == "Rapport"
        assert shown.inner_text("h1") == "Rapport"
        shot(shown, tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes()[:4] == b"\x89PNG"


def processes_of(session: int) -> list[str]:
    """The names of the processes in this session."""
    names = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(ProcessLookupError, FileNotFoundError):  # it ends meanwhile
            name, _, rest = path.read_text(errors="replace").rpartition(")")
            if int(rest.split()[3]) == session:
                names.append(name)
    return names


def test_chromium_ends_with_all_of_its_processes(chromium: Chromium) -> None:
    with Chromium() as another:
        assert processes_of(another.pid) != []
    assert until(lambda: processes_of(another.pid) == [])
