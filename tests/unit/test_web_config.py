"""web.config_file: each mistake is one sentence that names the setting, and repeats no secret."""

from __future__ import annotations

import base64
import ssl
import tomllib
from pathlib import Path

import bcrypt
import pytest
import trustme

from callmon.config.web_config import WebConfig, load_web_config
from callmon.errors import ConfigError
from callmon.web.auth.basic import BasicAuth
from callmon.web.protection import Protection

SECRET = "correct horse battery"
HASH = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key"
AUTHORITY = trustme.CA()
MISTAKES = tomllib.loads(Path(__file__).with_name("web_config.toml").read_text("utf-8"))["mistake"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    server = AUTHORITY.issue_cert("localhost")
    server.cert_chain_pems[0].write_to_path(tmp_path / "server.crt")
    server.private_key_pem.write_to_path(tmp_path / "server.key")
    AUTHORITY.issue_cert("other").private_key_pem.write_to_path(tmp_path / "other.key")
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "empty.crt").write_text("", "utf-8")
    return tmp_path


def written(place: Path, text: str) -> Path:
    path = place / "web.config.yml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_without_a_secret(place: Path, mistake: dict[str, str]) -> None:
    path = written(place, mistake["text"].replace("SECRET", SECRET))
    with pytest.raises(ConfigError) as refused:
        Protection(path).read()
    assert refused.value.sentences == (mistake["sentence"].replace("PLACE", str(place)),)
    assert SECRET not in str(refused.value)


def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^web\.config_file: cannot read .*absent\.yml \(No such file"):
        load_web_config(tmp_path / "absent.yml")


@pytest.mark.parametrize("text", ["", "basic_auth_users:\n", "http_server_config: {http2: false}\n"])
def test_a_file_that_asks_for_nothing_protects_nothing(place: Path, text: str) -> None:
    read = Protection(written(place, text)).read()
    assert (read.users, read.context) == ({}, None)
    assert load_web_config(None) == WebConfig()


def test_the_context_is_as_the_file_states_it(place: Path) -> None:
    plain = Protection(written(place, TLS + "}")).read().context
    strict = (
        Protection(
            written(
                place,
                TLS
                + ", min_version: TLS13, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert}",
            )
        )
        .read()
        .context
    )
    assert plain is not None
    assert strict is not None
    assert (plain.minimum_version, plain.verify_mode) == (ssl.TLSVersion.TLSv1_2, ssl.CERT_NONE)
    assert (strict.minimum_version, strict.verify_mode) == (ssl.TLSVersion.TLSv1_3, ssl.CERT_REQUIRED)


def header(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "is_admitted"),
    [
        (header("alice", SECRET), True),
        (header("alice", SECRET).replace("Basic", "basic"), True),
        (header("alice", SECRET + "!"), False),
        (header("alice", ""), False),
        (header("bob", SECRET), False),
        (header("alice", "x" * 100), False),
        (header("alice", "\0"), False),
        ("Bearer " + SECRET, False),
        ("Basic ?", False),
        ("Basic " + base64.b64encode(b"\xff:x").decode(), False),
        ("Basic " + base64.b64encode(b"alice").decode(), False),
        ("", False),
        (None, False),
    ],
)
async def test_a_user_is_admitted_by_name_and_password_alone(authorization: str | None, is_admitted: bool) -> None:
    users = BasicAuth()
    assert await users.admits(authorization, "127.0.0.1") is True
    users.configure({"alice": HASH})
    for _ in range(2):  # the second time from what was verified
        assert await users.admits(authorization, "127.0.0.1") is is_admitted


async def test_a_verified_password_is_admitted_no_longer_when_the_users_change() -> None:
    users = BasicAuth()
    users.configure({"alice": HASH})
    assert await users.admits(header("alice", SECRET), "127.0.0.1") is True
    users.configure({"alice": bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()})
    assert await users.admits(header("alice", SECRET), "127.0.0.1") is False
    users.configure({"bob": HASH})
    assert await users.admits(header("alice", SECRET), "127.0.0.1") is False
