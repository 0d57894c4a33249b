"""The door's sentences: every one that it says is in the catalogues, in both languages, and no other."""

from __future__ import annotations

import pytest
from babel.messages.pofile import read_po

from callmon.text.labels import recorded
from callmon.web.auth.sign_in import CONTEXT
from tests.pages.test_pages_words import ENGLISH, LOCALE, WEB, of_python, of_template

ACCESS = WEB / "auth"


def test_every_sentence_of_the_door_is_in_the_catalogues_and_no_other() -> None:
    said = {text for path in ACCESS.rglob("*.py") for text in of_python(path.read_text(encoding="utf-8"))}
    said |= {text for path in ACCESS.rglob("*.html") for text in of_template(path.read_text(encoding="utf-8"))}
    with (LOCALE / ENGLISH).open("rb") as lines:
        reported = {str(message.id) for message in read_po(lines) if message.context == CONTEXT}
    assert reported == said


@pytest.mark.parametrize(
    ("act", "about", "french"),
    [
        ("report approved", "2026-10 revision 1", "2026-10 révision 1"),
        ("report received", "2026-10 internal final a@b.example", "2026-10 rapport interne définitif a@b.example"),
        ("callbacks", "to call back", "pour rappeler"),
        ("sign in", "demonstration", "démonstration"),
        ("account added", "final: manager", "final: manager"),
        ("account locked", "revision", "revision"),  # an account's name
    ],
)
def test_what_an_act_was_about_is_in_the_readers_words(act: str, about: str, french: str) -> None:
    assert recorded(act, about, "fr") == french
