"""Signing in at a provider (OpenID Connect): a real one on loopback, and every way in which it could lie."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from callmon.errors import ConfigError
from callmon.logs import KeyValueFormatter
from callmon.store import access
from callmon.store.database import Database
from callmon.web.auth import cookies, oidc
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.service import FREE
from tests.support.oidc_provider import CLIENT, SECRET, Claims, Provider, running
from tests.support.sign_in_app import application
from tests.support.web_client import ELSEWHERE, OURS, Visitor

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def one_provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(one_provider: Provider) -> Provider:
    fresh = Provider()
    for name in ("claims", "metadata", "asked", "takes_codes_twice", "is_away", "spoil", "_codes"):
        setattr(one_provider, name, getattr(fresh, name))
    one_provider.sign, one_provider.redirect = one_provider._signed, OURS + oidc.CALLBACK
    return one_provider


@pytest.fixture
def gate(provider: Provider, sqlite_store: Database, tmp_path: Path) -> AccessMiddleware:
    return gate_for(provider, sqlite_store, tmp_path)


def gate_for(provider: Provider, store: Database, tmp_path: Path, **settings: Any) -> AccessMiddleware:
    secret = tmp_path / "oidc.secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    reported = {"issuer": provider.url, "client_id": CLIENT, "client_secret_file": secret}
    roles = {"viewer": ["*"], "agent": ["callbacks"]}
    return application(store, url=OURS, oidc=reported | settings, roles=roles)


def begun(visitor: Visitor, query: str = "") -> str:
    """Where the provider sends the browser back to."""
    sent = visitor.get(f"/en/sign-in/service{query}")
    assert sent.status_code == 303
    back = httpx.get(sent.headers["location"])
    assert back.status_code == 302
    return str(back.headers["location"])


def done(visitor: Visitor, query: str = "") -> httpx.Response:
    return visitor.get(begun(visitor, query))


def refusals(store: Database) -> list[tuple[str, str, str]]:
    return [(audit_event.who, audit_event.act, audit_event.about) for audit_event in access.audit_events(store)]


def test_a_person_of_the_provider_has_the_roles_of_their_groups(
    gate: AccessMiddleware, sqlite_store: Database
) -> None:
    visitor = Visitor(gate)
    answer = done(visitor, "?next=%2Fen%2Fnumbers")
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/numbers")
    assert visitor.get("/fr/who").text == "marie: agent viewer"
    assert visitor.get("/en/numbers").status_code == 200
    assert refusals(sqlite_store) == [("marie", "sign in", "oidc")]


def test_the_provider_is_asked_for_a_code_with_pkce_state_and_nonce(
    gate: AccessMiddleware, provider: Provider
) -> None:
    done(Visitor(gate))
    (asked,) = provider.asked
    random = {name: len(asked.pop(name)) >= 43 for name in ("state", "nonce", "code_challenge")}
    assert random == {"state": True, "nonce": True, "code_challenge": True}
    assert asked == {
        "response_type": "code",
        "response_mode": "query",
        "client_id": CLIENT,
        "redirect_uri": f"{OURS}/oidc",
        "scope": "openid profile",
        "code_challenge_method": "S256",
    }


def test_two_sign_ins_share_nothing(gate: AccessMiddleware, provider: Provider) -> None:
    for _ in range(2):
        done(Visitor(gate))
    one, other = provider.asked
    assert [name for name in ("state", "nonce", "code_challenge") if one[name] == other[name]] == []


def test_the_cookie_of_a_sign_in_under_way_is_hidden_and_short(gate: AccessMiddleware) -> None:
    visitor = Visitor(gate)
    cookie = visitor.get("/fr/connexion/service").headers["set-cookie"]
    assert cookie.split("; ")[1:] == ["Path=/", "Max-Age=600", "HttpOnly", "SameSite=Lax"]
    done(visitor)
    assert visitor.cookies.get(cookies.UNDER_WAY) is None


def test_a_name_and_groups_may_stand_in_other_claims(
    provider: Provider, sqlite_store: Database, tmp_path: Path
) -> None:
    provider.claims = {"sub": "1", "email": "luc@ministry.example", "roles": "callbacks"}
    visitor = Visitor(gate_for(provider, sqlite_store, tmp_path, name_claim="email", groups_claim="roles"))
    done(visitor)
    assert visitor.get("/fr/who").text == "luc@ministry.example: agent viewer"


def test_the_sign_in_page_leads_to_the_provider_and_shows_no_password(gate: AccessMiddleware) -> None:
    page = Visitor(gate).get("/fr/connexion?next=%2Ffr%2Fnumbers").text
    assert 'href="/fr/connexion/service?next=/fr/numbers"' in page
    assert 'type="password"' not in page


def test_signing_out_ends_the_session(gate: AccessMiddleware) -> None:
    visitor = Visitor(gate)
    done(visitor)
    visitor.post("/en/sign-out", data={"csrf": visitor.token("/en/sign-out")})
    assert visitor.get("/fr/who").text == ": "


def test_what_nobody_began_is_logged_once_a_minute(
    gate: AccessMiddleware, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(gate, ELSEWHERE)
    statuses = {visitor.get("/oidc").status_code for _ in range(20)}
    reported = [record.getMessage() for record in caplog.records if record.name.startswith("callmon")]
    assert (statuses, reported) == ({403}, ["sign-in: the identity provider signed in no user"])


def test_what_the_provider_is_said_to_have_refused_forges_no_line(
    gate: AccessMiddleware, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(gate)
    state = parse_qs(urlsplit(visitor.get("/fr/connexion/service").headers["location"]).query)["state"][0]
    forged = "x\n2026-11-24T13:42:13Z INFO callmon stops\x1b[2J"
    assert visitor.get("/oidc?" + urlencode({"state": state, "error": forged})).status_code == 403
    (record,) = [record for record in caplog.records if record.name.startswith("callmon")]
    reported = KeyValueFormatter().format(record).partition("Z ")[2]
    reason = "the provider refused: x 2026-11-24T13:42:13Z INFO callmon stops?[2J"
    assert reported == f'WARNING sign-in: the identity provider signed in no user reason="{reason}" count=1'


# ── what is not believed ──


def test_a_used_state_is_refused_though_the_provider_takes_its_code(
    gate: AccessMiddleware, provider: Provider
) -> None:
    provider.takes_codes_twice = True
    visitor = Visitor(gate)
    back = begun(visitor)
    secret = visitor.cookies.get(cookies.UNDER_WAY)
    assert visitor.get(back).status_code == 303
    again = Visitor(gate, Cookie=f"{cookies.UNDER_WAY}={secret}")
    assert (again.get(back).status_code, again.get("/fr/who").text) == (403, ": ")


def test_another_browser_cannot_finish_a_sign_in_nor_be_made_to(gate: AccessMiddleware) -> None:
    """An attacker's answer in the victim's browser would sign the victim in as the attacker."""
    attackers = begun(Visitor(gate, at=ELSEWHERE))
    victim = Visitor(gate)
    assert victim.get(attackers).status_code == 403
    begun(victim)
    assert (victim.get(attackers).status_code, victim.get("/fr/who").text) == (403, ": ")


@pytest.mark.parametrize("change", ["state", "to", "made", "no state", "no code", "error", "iss"])
def test_an_answer_that_was_changed_is_refused(
    gate: AccessMiddleware, sqlite_store: Database, change: str
) -> None:
    visitor = Visitor(gate)
    back = urlsplit(begun(visitor))
    asked = {name: values[0] for name, values in parse_qs(back.query).items()}
    proof, made, to = asked["state"].split(".")
    match change:
        case "state":
            asked["state"] = f"{proof[:-1]}{'A' if proof[-1] != 'A' else 'B'}.{made}.{to}"
        case "to":
            asked["state"] = f"{proof}.{made}.L2VuL3Jld2FyZHM"
        case "made":
            asked["state"] = f"{proof}.{int(made) + 1}.{to}"
        case "no state":
            del asked["state"]
        case "no code":
            del asked["code"]
        case "error":
            asked = {"state": asked["state"], "error": "access_denied"}
        case "iss":
            asked["iss"] = "https://evil.example"
    answer = visitor.get(f"{back.path}?{urlencode(asked)}")
    assert (answer.status_code, visitor.get("/fr/who").text) == (403, ": ")
    assert refusals(sqlite_store) == [("", "sign in refused", "oidc")]


@pytest.mark.parametrize(("later", "status"), [(599, 303), (602, 403), (-2, 403)])
def test_a_sign_in_takes_ten_minutes_at_most(
    gate: AccessMiddleware, monkeypatch: pytest.MonkeyPatch, later: int, status: int
) -> None:
    visitor, now = Visitor(gate), oidc.time()
    monkeypatch.setattr(oidc, "time", lambda: now)
    back = begun(visitor)
    monkeypatch.setattr(oidc, "time", lambda: now + later)
    assert visitor.get(back).status_code == status


@pytest.mark.parametrize(("later", "place"), [(oidc.KEPT_SECONDS - 1, "authorize"), (oidc.KEPT_SECONDS, "moved")])
def test_the_provider_describes_itself_once_in_a_while(
    gate: AccessMiddleware, provider: Provider, monkeypatch: pytest.MonkeyPatch, later: float, place: str
) -> None:
    now = round(oidc.monotonic())  # whole: (now + 3600.0) - now is 3600.0
    monkeypatch.setattr(oidc, "monotonic", lambda: now)
    begun(Visitor(gate))
    provider.metadata = {"authorization_endpoint": f"{provider.url}/moved"}
    monkeypatch.setattr(oidc, "monotonic", lambda: now + later)
    sent = Visitor(gate).get("/fr/connexion/service").headers["location"]
    assert sent.partition("?")[0] == f"{provider.url}/{place}"


def test_strangers_who_come_back_from_nowhere_do_not_fill_the_record(
    gate: AccessMiddleware, sqlite_store: Database
) -> None:
    statuses = [Visitor(gate, at=ELSEWHERE).get("/oidc?code=x&state=y").status_code for _ in range(20)]
    assert (statuses, len(refusals(sqlite_store))) == ([403] * 20, FREE)


def without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def with_(**changed: Any) -> Callable[[Claims], Claims]:
    return lambda claims: claims | changed


@pytest.mark.parametrize(
    "spoil",
    [
        with_(nonce="another"),
        without("nonce"),
        with_(aud="another"),
        with_(aud="another", azp=CLIENT),
        with_(aud=["another", "third"]),
        with_(aud=[CLIENT, "another"]),
        with_(aud=[CLIENT, "another"], azp="another"),
        without("aud"),
        with_(iss="https://evil.example"),
        without("iss"),
        with_(exp=1),
        without("exp"),
        without("sub"),
        with_(nbf=9_999_999_999),
        without("preferred_username"),
        with_(preferred_username=""),
        with_(preferred_username=["marie"]),
        with_(preferred_username="m" * 201),
        with_(preferred_username="marie\nroot"),
    ],
)
def test_a_token_that_is_not_for_us_now_is_refused(
    gate: AccessMiddleware, provider: Provider, sqlite_store: Database, spoil: Callable[[Claims], Claims]
) -> None:
    provider.spoil = spoil
    visitor = Visitor(gate)
    answer = done(visitor)
    assert (answer.status_code, visitor.get("/fr/who").text) == (403, ": ")
    assert refusals(sqlite_store) == [("", "sign in refused", "oidc")]


def test_a_token_for_several_with_us_as_the_party_is_believed(gate: AccessMiddleware, provider: Provider) -> None:
    provider.spoil = with_(aud=[CLIENT, "another"], azp=CLIENT)
    assert done(Visitor(gate)).status_code == 303


@pytest.mark.parametrize("groups", [None, 7, {"callbacks": 1}, [["callbacks"]], [7]])
def test_groups_that_are_none_give_no_role(gate: AccessMiddleware, provider: Provider, groups: Any) -> None:
    provider.claims["groups"] = groups
    visitor = Visitor(gate)
    done(visitor)
    assert visitor.get("/fr/who").text == "marie: viewer"


def by_a_strangers_key(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048))


def by_the_secret(claims: Claims) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def by_nobody(claims: Claims) -> str:
    return jwt.encode({"alg": "none"}, claims, OctKey.import_key(SECRET), algorithms=["none"])


@pytest.mark.parametrize(
    "sign", [by_a_strangers_key, by_the_secret, by_nobody, lambda _claims: "x.y.z", lambda _: ""]
)
def test_a_token_that_the_providers_own_key_did_not_sign_is_refused(
    gate: AccessMiddleware, provider: Provider, sign: Callable[[Claims], str]
) -> None:
    provider.sign = sign
    visitor = Visitor(gate)
    assert (done(visitor).status_code, visitor.get("/fr/who").text) == (403, ": ")


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_metadata_that_lead_elsewhere_are_refused(
    gate: AccessMiddleware, provider: Provider, metadata: Claims
) -> None:
    provider.metadata = metadata
    assert Visitor(gate).get("/en/sign-in/service").status_code == 403


def test_a_provider_that_is_away_lets_nobody_in_and_the_page_says_so(
    gate: AccessMiddleware, provider: Provider
) -> None:
    provider.is_away = True
    answer = Visitor(gate).get("/en/sign-in/service")
    assert answer.status_code == 403
    assert "The ministry&#39;s identity service has vouched for nobody." in answer.text
    provider.is_away = False
    assert done(Visitor(gate)).status_code == 303


# ── settings ──


def test_a_secret_that_cannot_be_read_stops_the_start(
    provider: Provider, sqlite_store: Database, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="client_secret_file: cannot read"):
        gate_for(provider, sqlite_store, tmp_path, client_secret_file=tmp_path / "none")


def test_without_the_extra_the_start_says_what_to_install(tmp_path: Path) -> None:
    """In a Python that has neither Authlib nor httpx; all else of the pages works there."""
    (tmp_path / "secret").write_text("x")
    program = f"""
import sys
sys.modules["authlib"] = sys.modules["httpx"] = sys.modules["joserfc"] = None
from callmon.config.web import AccessSettings
from callmon.errors import ConfigError
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
SignIn(AccessService(AccessSettings(accounts=True)))
told = {{"issuer": "https://x.example", "client_id": "x", "client_secret_file": "{tmp_path}/secret"}}
try:
    SignIn(AccessService(AccessSettings(url="https://y.example", oidc=told, roles={{"viewer": ["*"]}})))
except ConfigError as error:
    print(error)
"""
    reported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    missing = 'web.access.oidc: packages are missing; see "Extras" in docs/en/how-to/install.md\n'
    assert (reported.stdout, reported.stderr) == (missing, "")
