"""A month's report through a real Exim: STARTTLS, a sign-in, one mail in its box whatever was killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from tests.lab.exim import Exim
from tests.lab.needed import needed
from tests.store.test_report_mail import (
    DEPUTY,
    DUE,
    FIRST,
    LEAD,
    PATIENCE,
    MailedYear,
    MailSite,
    filled,
    listening_in_silence,
)
from tests.support.mail_server import MailServer
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab
__all__ = ["filled"]


@pytest.fixture
def exim(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Exim]:
    """An Exim that takes messages up to the size that the parameter says."""
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "password").write_text("right\n")
    with needed("mail"):
        server = Exim("right", authority.issue_cert("127.0.0.1"), request.param).__enter__()
    yield server
    server.__exit__(None, None, None)


def site_of(tmp_path: Path, filled: MailedYear, exim: Exim, **mail: object) -> MailSite:
    given = {"port": exim.port, "tls": "starttls", "ca_file": f"{tmp_path}/ca.pem", "username": "callmon"}
    return MailSite(tmp_path, filled, MailServer(), **given, password_file=f"{tmp_path}/password", **mail)


@pytest.mark.parametrize("exim", ["9M"], indirect=True)
async def test_each_recipient_has_one_mail_after_an_outage_and_a_kill(
    tmp_path: Path, filled: MailedYear, exim: Exim
) -> None:
    site = site_of(tmp_path, filled, exim)
    exim.halt()
    for minute in range(0, 70, 10):
        await site.mailer().send_if_due(FIRST + timedelta(minutes=minute))
    with closing(listening_in_silence(exim.port)), site.process():
        assert until(lambda: ("final", LEAD) in site.states(), PATIENCE)
    exim.start()
    for minutes in (1, 30, 90):
        await site.mailer().send_if_due(DUE + timedelta(minutes=minutes))
    assert site.send().exit_code == 0
    assert until(lambda: len(exim.delivered()) == 2)
    assert sorted(str(mail["Envelope-to"]) for mail in exim.delivered()) == sorted([LEAD, DEPUTY])
    assert {str(mail["Subject"]) for mail in exim.delivered()} == {
        "Normes de service téléphonique, mai 2024 (définitif) / Telephone service standards, May 2024 (final)"
    }


@pytest.mark.parametrize("exim", ["60K"], indirect=True)
def test_what_exim_refuses_is_said_in_its_words(tmp_path: Path, filled: MailedYear, exim: Exim) -> None:
    site = site_of(tmp_path, filled, exim, internal_to=["nobody@ministry.example", LEAD], attach=["xlsx"])
    refused = site.send("--lang", "en")
    server = f"127.0.0.1:{exim.port}"
    said = [re.sub(r"\([0-9.]+ MB", "(SIZE", line) for line in refused.stderr.splitlines()]
    large = f"  the message is too large for {server} (SIZE > 0.1 MB); "
    large += "attach fewer formats (mail.attach) or only a link."
    assert (refused.exit_code, said) == (1, [large, large])
    small = site_of(tmp_path, filled, exim, internal_to=["nobody@ministry.example", LEAD], attach=[])
    refused = small.send("--lang", "en")
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"  {server} refuses the recipient nobody@ministry.example (550 no such user); "
        "correct the address in [mail].\n",
    )
    assert until(lambda: len(exim.delivered()) == 1)
