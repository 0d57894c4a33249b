"""The catalogue has every text of the source that people read, and no other."""

from __future__ import annotations

import os
import subprocess
import sys

from callmon.text.labels import catalogue, translate
from tests.support.sources import all_texts, said, said_by_template


def test_every_text_of_the_source_is_in_the_catalogue_and_no_other_is() -> None:
    """`test_help` compares those without a context."""
    ours = {text for text in all_texts() if text[0] is not None}
    known = {text for text in catalogue() if text[0] is not None}
    assert (sorted(ours - known), sorted(known - ours)) == ([], [])


def test_no_sentence_of_a_command_is_the_same_in_both_languages() -> None:
    ours = [text for context, text in all_texts() if context is None]
    assert [text for text in ours if translate(text, "fr") == text] == []


def test_a_text_that_is_chosen_between_two_is_found_with_its_context() -> None:
    assert [*said("say('one' if single else 'two', n=1); formatter.say('three', context='x')", "page")] == [
        ("page", "one"),
        ("page", "two"),
        ("x", "three"),
    ]
    assert [*said_by_template("{{ say('one' if single else 'two', context='x') }}{{ say('three') }}", "page")] == [
        ("x", "one"),
        ("x", "two"),
        ("page", "three"),
    ]


def test_help_in_english_does_not_read_the_catalogue() -> None:
    code = (
        "import sys; from callmon.main import main; main(['--help'], standalone_mode=False); "
        "print('babel.messages' in sys.modules)"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "LC_ALL": locale},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for locale in ("en_CA", "fr_CA")
    ]
    assert found == ["False", "True"]
