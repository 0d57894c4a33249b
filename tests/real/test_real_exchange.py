"""How callmon meets a real exchange: over TLS, with the wrong password, when it restarts, when there are two."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from callmon.store.opening import open_with_keys
from tests.lab.exchange import Asterisk, AsteriskError
from tests.lab.listener import Listener
from tests.lab.model import Step
from tests.lab.play import Playing, play
from tests.lab.situations import named
from tests.support.daemon_process import Callmon, free_port
from tests.support.scripted_truth import pairs, reported

pytestmark = pytest.mark.lab


def until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def tls_asterisk(asterisk: Asterisk) -> tuple[Asterisk, int, trustme.CA]:
    """The exchange, its AMI over TLS too, with a certificate for pbx.example."""
    authority = trustme.CA()
    certificate = authority.issue_cert("pbx.example")
    pem = asterisk.place / "etc" / "pbx.pem"
    pem.write_bytes(
        certificate.private_key_pem.bytes() + b"".join(part.bytes() for part in certificate.cert_chain_pems)
    )
    port = free_port()
    with (asterisk.place / "etc" / "site" / "manager.conf").open("a") as site:
        inside = asterisk.within(pem)
        site.write(
            f"\n[general](+)\ntlsenable=yes\ntlsbindaddr=127.0.0.1:{port}\ntlscertfile={inside}\n"
            f"tlsprivatekey={inside}\n"
        )
    asterisk.restart()
    return asterisk, port, authority


def test_an_exchange_that_ends_at_its_start_is_an_error_and_no_missing_lab(lab: None) -> None:
    broken = Asterisk("22")
    (broken.place / "etc" / "modules.conf").write_text("[modules]\nrequire = no_such_module.so\n")
    with pytest.raises(AsteriskError, match="Asterisk 22 ended at once"), broken:
        pass


def over_tls(text: str, ca: Path, name: str) -> str:
    return text.replace(
        'username = "callmon"', f'username = "callmon"\ntls = true\nca_file = "{ca}"\nserver_name = "{name}"', 1
    )


def test_a_call_arrives_over_tls_and_a_wrong_certificate_is_refused(
    tls_asterisk: tuple[Asterisk, int, trustme.CA], tmp_path: Path
) -> None:
    asterisk, port, authority = tls_asterisk
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    callmon = Callmon(tmp_path, port, asterisk.secret)
    plain = callmon.config.read_text()
    callmon.config.write_text(over_tls(plain, ca, "pbx.example"))
    with callmon:
        play(asterisk, named("abandon_at_once"))
        assert until(lambda: callmon.total("callmon_calls_total", outcome="abandoned") == 1)
    callmon.config.write_text(over_tls(plain, ca, "other.example"))
    callmon.start(until_heard=False)
    said = (
        f"Exchange toronto: the certificate of 127.0.0.1:{port} is not accepted for 'other.example' "
        "(Hostname mismatch, certificate is not valid for 'other.example'.); set server_name or ca_file, "
        "or renew the certificate."
    )
    assert until(lambda: said in callmon.log.read_text())
    assert callmon.figure("callmon_exchange_connected", exchange="toronto") == 0
    callmon.stop()


def test_a_wrong_secret_is_reported_once_and_not_tried_again_at_once(asterisk: Asterisk, tmp_path: Path) -> None:
    callmon = Callmon(tmp_path, asterisk.ami_port, "wrong")
    callmon.start(until_heard=False)
    said = (
        "Exchange toronto refuses the login of 'callmon' (Authentication failed): check its name, its secret and "
        "the permit lines of manager.conf; the exchange's log says which."
    )
    assert until(lambda: said in callmon.log.read_text())
    time.sleep(5)
    assert callmon.log.read_text().count("refuses the login") == 1
    assert asterisk.messages.read_text().count("failed to authenticate as 'callmon'") == 1
    callmon.stop()


@pytest.mark.parametrize("login", ["plain", "md5"])
def test_both_ways_of_logging_in_are_taken(asterisk: Asterisk, tmp_path: Path, login: str) -> None:
    callmon = Callmon(tmp_path, asterisk.ami_port, asterisk.secret)
    text = callmon.config.read_text()
    callmon.config.write_text(text.replace('username = "callmon"', f'username = "callmon"\nlogin = "{login}"', 1))
    with callmon:
        assert callmon.figure("callmon_exchange_connected", exchange="toronto") == 1


def test_what_is_no_ami_and_a_port_where_nobody_listens_are_named(asterisk: Asterisk, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        callmon = Callmon(tmp_path, port, "secret")
        callmon.start(until_heard=False)
        wire, _ = other.accept()
        wire.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
        said = "Exchange toronto is not an Asterisk manager interface; check host and port."
        assert until(lambda: said in callmon.log.read_text())
        wire.close()
    nobody = (
        f"Exchange toronto: nothing listens at 127.0.0.1:{port}; check that Asterisk runs, with enabled=yes in "
        "manager.conf."
    )
    assert until(lambda: nobody in callmon.log.read_text())
    status, health = callmon.health()
    never = "The exchange toronto was never connected; `callmon doctor` gives the cause."
    assert (status, health["troubles"]) == (503, [never])  # at once, and not after as long as the setting says
    callmon.stop()


def test_a_call_in_an_exchange_crash_is_lost_and_an_answered_one_answered(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    answered, rings = (replace(situation, copies=1) for situation in named("answered_ring1", "rings_in_vain"))
    talks_on = replace(answered.caller, steps=(Step(120, "hang_up"),))  # up at the crash, however slow the machine
    situations = [replace(answered, caller=talks_on), rings]
    witness = Listener(asterisk.ami_port, "witness", asterisk.secrets.witness)
    with witness, Callmon(tmp_path, asterisk.ami_port, asterisk.secret) as callmon:
        with Playing(asterisk, situations) as playing:
            assert until(lambda: callmon.total("callmon_calls_in_progress", state="talking") >= 1)
            assert until(lambda: callmon.total("callmon_calls_in_progress", state="ringing") >= 1)
            time.sleep(3)  # the uptime must have grown for a restart to be told from a mere reconnect
            heard = witness.events()
            asterisk.crash()
            asterisk.start()
            assert until(lambda: callmon.total("callmon_calls_total", outcome="lost") >= 1)
            calls = playing.calls
        assert callmon.total("callmon_calls_in_progress") == 0
        callmon.stop()
        settings = callmon.settings()
        store = open_with_keys(settings)
        said = {
            call.situation.name: reported(store, settings, own) for call, own in pairs(seen(calls, heard), heard)
        }
        store.close()
    assert said["rings_in_vain"] is not None
    assert said["answered_ring1"] is not None
    assert said["rings_in_vain"]["outcome"] == "lost"
    assert said["answered_ring1"]["outcome"] == "answered"
    assert said["answered_ring1"]["verdicts"]["answer_by_third_ring"] == "met"
    assert said["answered_ring1"]["ended"] is None


def seen(calls: list, heard: list) -> list:
    """The calls that the exchange knew of before it died."""
    from tests.lab.witness import linkedid

    return [call for call in calls if linkedid(call, heard) is not None]


def test_two_exchanges_are_received_at_once_and_their_calls_never_mix(lab: None, tmp_path: Path) -> None:
    with Asterisk("22") as one, Asterisk("22") as two:
        callmon = Callmon(tmp_path, one.ami_port, one.secret)
        text = callmon.config.read_text()
        table = text[text.index("[exchanges.toronto]") : text.index("[calendar]")]
        other = table.replace("exchanges.toronto", "exchanges.ottawa").replace(
            str(one.ami_port), str(two.ami_port)
        )
        secret = tmp_path / "ottawa.secret"
        secret.write_text(two.secret)
        secret.chmod(0o600)
        other = other.replace('secret_env = "LAB_SECRET"', f'secret_file = "{secret}"')
        callmon.config.write_text(text.replace("[calendar]", other + "[calendar]", 1))
        with callmon:
            assert until(lambda: callmon.figure("callmon_exchange_connected", exchange="ottawa") == 1)
            play(one, named("abandon_at_once"))
            play(two, named("abandon_at_once"))
            assert until(lambda: callmon.total("callmon_calls_total", outcome="abandoned") == 2)
            ids = callmon.figures()
            heard = [
                ids["callmon_exchange_events_total", frozenset({("exchange", name)})]
                for name in ("toronto", "ottawa")
            ]
        assert all(number > 10 for number in heard)


def test_while_the_database_is_locked_calls_wait_and_healthz_says_so(asterisk: Asterisk, tmp_path: Path) -> None:
    import sqlite3

    callmon = Callmon(tmp_path, asterisk.ami_port, asterisk.secret)
    text = callmon.config.read_text()
    callmon.config.write_text(text.replace('behind_after = "30s"', 'behind_after = "2s"', 1))
    with callmon:
        locker = sqlite3.connect(tmp_path / "callmon.db", isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        play(asterisk, named("abandon_at_once"))
        assert until(lambda: callmon.get("/healthz")[0] == 503)
        status, body = callmon.get("/healthz")
        assert status == 503
        assert "database" in json.loads(body)["troubles"][0]
        assert callmon.total("callmon_calls_total") == 0
        locker.execute("ROLLBACK")
        locker.close()
        assert until(lambda: callmon.total("callmon_calls_total", outcome="abandoned") == 1)
        assert until(lambda: callmon.get("/healthz")[0] == 200)
