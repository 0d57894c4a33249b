"""`callmon webhooks test`: a signed test arrives, and the answer is printed in the reader's language."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import CliRunner
from standardwebhooks.webhooks import Webhook

from callmon.config.settings import example_text
from callmon.main import main
from tests.support.webhook_receiver import CallerLog, Receiver

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
SITE = {"fr": "essai de callmon, rien à faire", "en": "test of callmon, nothing to do"}


def run(folder: Path, url: str, language: str, form: str = "standard") -> tuple[int, str, str]:
    (folder / "hook.secret").write_text(SECRET + "\n")
    table = (
        f'[webhooks.desk]\nurl = "{url}"\nsecret_file = "hook.secret"\nallow_private = true\nformat = "{form}"\n'
    )
    text = example_text().replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db")
    text = text.replace('default_language = "fr"', f'default_language = "{language}"')
    (folder / "callmon.toml").write_text(f"{text}\n{table}", encoding="utf-8")
    words = ["webhooks", "test", "desk", "--config", str(folder / "callmon.toml"), "--lang", language]
    done = CliRunner().invoke(main, words)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(("language", "said"), [("fr", "desk : HTTP 204\n"), ("en", "desk: HTTP 204\n")])
def test_a_signed_test_arrives_and_its_answer_is_printed(tmp_path: Path, language: str, said: str) -> None:
    with Receiver() as receiver:
        assert run(tmp_path, receiver.url, language) == (0, said, "")
        (received,) = receiver.received
    event = Webhook(SECRET).verify(received.body, received.headers)
    assert (event["type"], event["data"]) == ("test", {"webhook": "desk"})


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "desk : pas de connexion\n"), ("en", "desk: no connection\n")]
)
def test_a_receiver_that_is_away_is_reported_and_the_status_is_1(tmp_path: Path, language: str, said: str) -> None:
    receiver = Receiver()
    assert run(tmp_path, receiver.url, language) == (1, "", said)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("form", ["slack", "teams", "ntfy"])
def test_a_person_reads_a_sentence_in_the_language_of_the_site(tmp_path: Path, form: str, language: str) -> None:
    with Receiver() as receiver:
        assert run(tmp_path, receiver.url, language, form)[0] == 0
        body = receiver.received[0].body.decode()
    colon = "\xa0: " if language == "fr" else ": "
    sentence = f"desk{colon}{SITE[language]}"
    if form == "slack":
        assert json.loads(body) == {"text": sentence}
    elif form == "teams":
        (card,) = json.loads(body)["attachments"]
        block = {"type": "TextBlock", "text": sentence, "wrap": True}
        assert card["content"] == {"type": "AdaptiveCard", "version": "1.4", "body": [block]}
    else:
        assert body == sentence


def test_the_test_of_zammad_is_an_entry_that_is_done(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.decide = log = CallerLog()
        assert run(tmp_path, receiver.url, "en", "zammad") == (0, "desk: HTTP 200\n", "")
    assert list(log.entries.values()) == [["hangup", True]]
