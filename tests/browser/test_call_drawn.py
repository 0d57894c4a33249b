"""The drawing of a call: ringing, conversation, hold and voicemail are told apart without their colours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Browser

from docs.source.photographs import places
from docs.source.photographs.places import Seen
from tests.browser.test_pages_seen import shown

pytestmark = pytest.mark.lab
# The pattern, or that there is none; and whether the edge is broken. No colour.
LOOK = """(kinds) => Object.fromEntries(kinds.map(kind => {
  const box = [...document.querySelectorAll('.story .' + kind)].find(x => x.checkVisibility());
  const style = box && getComputedStyle(box), fill = style?.fill.startsWith('url') ? style.fill : 'plain';
  return [kind, box && [fill, style.strokeDasharray, style.stroke === 'none']]; }))"""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    hours = places.hours(datetime.now().astimezone(places.ZONE), is_open=True)
    day = places.place(tmp_path_factory.mktemp("full"), "full", None, hours=hours)
    with places.seen(day) as seen:
        yield seen


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("forced", [False, True])
def test_what_is_drawn_of_a_call_differs_by_more_than_its_colour(
    browser: Browser, full: Seen, width: int, forced: bool
) -> None:
    looks = {}
    for call, kinds in (("call.consulted", ["tone", "rang", "talk", "held"]), ("call.message", ["took"])):
        path = f"/en/calls/toronto/{full.names[call]}"
        with shown(browser, full.site, path, width=width, height=800, forced_colours=forced) as page:
            looks |= page.evaluate(LOOK, kinds)
    assert None not in looks.values()
    assert len({str(look) for look in looks.values()}) == 5
