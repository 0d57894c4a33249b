"""Sign-in at the ministry's provider: OpenID Connect, the code flow with PKCE. Uses Authlib, an optional extra.

    begin ─▶ the provider ─▶ finish ─▶ a person and groups

State, nonce and verifier are derived from one secret in the browser's cookie (HMAC-SHA256). So callmon stores
nothing for a client that begins a sign-in and never returns. The last `MOST_USED` used secrets are remembered; a
sign-in expires after `MINUTES_UNDER_WAY` minutes.
Refuses: a token not signed with the provider's own key, not for callmon, not for this sign-in, or expired;
an answer of more than `MOST_BYTES`, compressed, or not whole after `SECONDS`. A thread reads what it says.
"""

import asyncio
import hashlib
import hmac
import json
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit

from callmon.config.web import OidcSettings, is_encrypted
from callmon.config.wording import placed
from callmon.errors import CallmonError, ConfigError, Sentence
from callmon.web.auth.cookies import MINUTES_UNDER_WAY
from callmon.web.auth.identity import LONGEST_NAME, Person

CALLBACK = "/oidc"  # the redirect path; registered at the provider once, so without a language
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
# seconds: timeout of a request, age of metadata, clock skew
SECONDS = 10.0
KEPT_SECONDS = 3600.0
LEEWAY = 60
MOST_USED = 10_000
MOST_BYTES = 256 << 10  # of an answer
MOST_AT_ONCE = 4  # requests to the provider; a sign-in waits for its place SECONDS at most
# What the libraries raise for types, depths and numbers that nobody expected.
STRANGE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class ProviderError(CallmonError):
    """The provider is not reachable, or its answer is not valid; its administrator can act. For the log."""


class Provider:
    """One provider. Raises ConfigError: the extra is not installed, or the secret or CA file cannot be read."""

    def __init__(self, settings: OidcSettings, url: str) -> None:
        try:
            import authlib.oidc.core  # type: ignore[import-untyped]  # noqa: F401  # has no types; is it there?
            import httpx
        except ImportError:
            sentence = Sentence('packages are missing; see "Extras" in docs/en/how-to/install.md')
            raise ConfigError(placed("web.access.oidc", sentence)) from None
        self._settings = settings
        self._redirect = url + CALLBACK
        self._secret = settings.secret()
        self._http = httpx.AsyncClient(
            verify=_trust(settings),
            timeout=None,  # `_time_limit` has the one limit
            limits=httpx.Limits(max_connections=10, max_keepalive_connections=0),
        )
        self._cached: tuple[float, dict[str, Any]] | None = None
        self._used: OrderedDict[str, None] = OrderedDict()
        self._places, self._describing = asyncio.Semaphore(MOST_AT_ONCE), asyncio.Lock()

    async def begin(self, secret: str, to: str) -> str:
        """The address for the browser to open; the provider returns `to` in the state. Raises ProviderError."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]  # no types
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # no types

        metadata = await self._metadata()
        uri: str = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._settings.client_id,
            "code",
            redirect_uri=self._redirect,
            scope=" ".join(dict.fromkeys(("openid", *self._settings.scopes))),
            state=_state(secret, to, int(time())),
            nonce=_derived(secret, "nonce"),
            code_challenge=create_s256_code_challenge(_derived(secret, "verifier")),
            code_challenge_method="S256",
            response_mode="query",
        )
        return uri

    async def finish(self, secret: str, answer: Mapping[str, str]) -> tuple[Person, frozenset[str], str]:
        """The person, the person's groups, and the page to continue at. Raises ProviderError."""
        to = self._where(secret, answer.get("state", ""))
        if "code" not in answer:
            raise ProviderError(f"the provider refused: {answer.get('error', 'it gave no code')[:100]}")
        metadata = await self._metadata()
        if answer.get("iss", metadata["issuer"]) != metadata["issuer"]:  # RFC 9207
            raise ProviderError("the answer is from another issuer")
        token = await self._token(metadata, answer["code"], _derived(secret, "verifier"))
        found = await self._request("GET", metadata["jwks_uri"])
        claims = await asyncio.to_thread(self._claims, metadata, found, token, _derived(secret, "nonce"))
        return self._person(claims), self._groups(claims), to

    def _where(self, secret: str, state: str) -> str:
        """The page to continue at. Valid once, for a sign-in that this browser began, until it expires."""
        made, to = _read(state)
        if not hmac.compare_digest(state.encode(), _state(secret, to, made).encode()):
            raise ProviderError("this browser did not start this sign-in")
        if not 0 <= time() - made <= MINUTES_UNDER_WAY * 60:
            raise ProviderError("the sign-in has expired")
        if secret in self._used:
            raise ProviderError("this sign-in was used before")
        self._used[secret] = None
        while len(self._used) > MOST_USED:
            self._used.popitem(last=False)
        return to

    async def _token(self, metadata: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "code_verifier": verifier,
        }
        auth = None
        if "client_secret_basic" in _listed(
            metadata, "token_endpoint_auth_methods_supported", "client_secret_basic"
        ):
            auth = (self._settings.client_id, self._secret)
        else:
            form |= {"client_id": self._settings.client_id, "client_secret": self._secret}
        return await self._request("POST", metadata["token_endpoint"], data=form, auth=auth)

    async def _metadata(self) -> dict[str, Any]:
        """The provider's description of itself. Of the sign-ins that need it, one asks."""
        async with _time_limit(self._settings.issuer), self._describing:
            if self._cached is None or monotonic() - self._cached[0] >= KEPT_SECONDS:
                self._cached = (monotonic(), await self._described())
            return self._cached[1]

    async def _described(self) -> dict[str, Any]:
        found = await self._object("GET", self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self._settings.issuer:
            raise ProviderError(f"{self._settings.issuer} states another issuer in its metadata")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not is_encrypted(found.get(name)):
                raise ProviderError(f"{self._settings.issuer} names no encrypted {name}")
        return found

    async def _request(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        async with _time_limit(address):
            return await self._object(method, address, **options)

    async def _object(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        """The JSON object that the provider answers. The one place in which an answer of the provider is read."""
        import httpx

        try:
            async with self._places:
                status, body = await self._answer(method, address, **options)
            found = await asyncio.to_thread(json.loads, body) if status == 200 else None
        except (httpx.HTTPError, *STRANGE) as error:
            raise ProviderError(f"{_host(address)} cannot be asked: {type(error).__name__}") from None
        if not isinstance(found, dict):
            raise ProviderError(f"{_host(address)} answered {status}")
        return found

    async def _answer(self, method: str, address: str, **options: Any) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with self._http.stream(method, address, headers=headers, **options) as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ProviderError(f"{_host(address)} compresses its answer, which was not asked for")
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MOST_BYTES:
                    raise ProviderError(f"{_host(address)} answers with more than {MOST_BYTES >> 10} KiB")
            return answer.status_code, bytes(body)

    def _claims(
        self, metadata: Mapping[str, Any], keys: Mapping[str, Any], token: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        """The claims of a valid token. `keys`: as they are now, since a provider changes its keys."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        offered = _listed(metadata, "id_token_signing_alg_values_supported", "RS256")
        algorithms = [x for x in ALGORITHMS if x in offered]
        if not algorithms:  # joserfc would take its own list
            raise ProviderError(f"the provider signs with none of {', '.join(ALGORITHMS)}")
        registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
        options = {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        parameters = {"nonce": nonce, "client_id": self._settings.client_id} | {
            name: token[name] for name in ("access_token",) if name in token
        }
        try:
            known: Any = KeySet.import_key_set(keys)  # type: ignore[arg-type]  # whatever it is, JoseError or keys
            decoded = jwt.decode(str(token.get("id_token", "")), known, registry=registry)
            claims = CodeIDToken(decoded.claims, decoded.header, options, parameters)
            claims.validate(leeway=LEEWAY)
        except (JoseError, *STRANGE) as error:
            raise ProviderError(f"the provider's token is invalid: {type(error).__name__} {error}") from None
        return dict(claims)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name = claims.get(self._settings.name_claim)
        if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
            raise ProviderError(f"the provider's token has no name in {self._settings.name_claim}")
        return Person(name.strip())

    def _groups(self, claims: Mapping[str, Any]) -> frozenset[str]:
        groups = claims.get(self._settings.groups_claim, ())
        listed = (groups,) if isinstance(groups, str) else groups
        return (
            frozenset(x for x in listed if isinstance(x, str)) if isinstance(listed, list | tuple) else frozenset()
        )


@asynccontextmanager
async def _time_limit(address: str) -> AsyncIterator[None]:
    """Never within another: the second end would stop httpx while it closes the connection of the first."""
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except TimeoutError:
        raise ProviderError(f"{_host(address)} cannot be asked in time") from None


def _listed(metadata: Mapping[str, Any], name: str, usual: str) -> tuple[str, ...]:
    """The texts of a list in the provider's metadata; `usual` where it has none."""
    found = metadata.get(name) or (usual,)
    if not isinstance(found, list | tuple):
        raise ProviderError(f"the provider's metadata are invalid: {name}")
    return tuple(x for x in found if isinstance(x, str))


def _trust(settings: OidcSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError:
        sentence = Sentence("{file} cannot be read, or holds no certificate in PEM", file=settings.ca_file)
        raise ConfigError(placed("web.access.oidc.ca_file", sentence)) from None


def _derived(secret: str, what: str) -> str:
    return urlsafe_b64encode(hmac.digest(secret.encode(), what.encode(), hashlib.sha256)).decode().rstrip("=")


def _state(secret: str, to: str, made: int) -> str:
    packed = urlsafe_b64encode(to.encode()).decode().rstrip("=")
    return f"{_derived(secret, f'state {made} {to}')}.{made}.{packed}"


def _read(state: str) -> tuple[int, str]:
    """(Unix time of creation, page to continue at) from the unverified state. Raises ProviderError."""
    try:
        _, made, packed = state.split(".")
        return int(made[:12]), urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError:
        raise ProviderError("the state was not issued by callmon") from None


def _host(address: str) -> str:
    return urlsplit(address).netloc
