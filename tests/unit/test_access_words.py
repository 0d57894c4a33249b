"""What an act in the record of accesses was about, in the words of its reader."""

from __future__ import annotations

import pytest

from callmon.text.labels import recorded


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
