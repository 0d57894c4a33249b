"""The address of the pages, [web], and the users who may see them, [web.access].

There are three ways to identify a user: a reverse proxy's header, a provider's OpenID Connect, or callmon's
accounts. Without any of them, the pages serve only users of this machine, and show no number. Refuses: to connect.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import IPvAnyNetwork, PrivateAttr, StringConstraints, field_validator

from callmon.config.secrets import PasswordSource, authorities
from callmon.config.times import Duration
from callmon.config.validation import Found, Table, setting
from callmon.errors import RefusedValueError, Sentence

EVERYBODY = "*"  # as a group: every signed-in user
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Claim = Annotated[str, StringConstraints(pattern=r"^[^\s]{1,100}$")]


Network = IPvAnyNetwork


class ProxySettings(Table):
    """[web.access.proxy]"""

    addresses: tuple[Network, ...] = setting(
        "addresses of the reverse proxies; callmon trusts these headers from them alone", ()
    )
    header: HeaderName | None = setting("header that carries the user name, such as X-Remote-User", None)
    groups_header: HeaderName | None = setting(
        "header that carries the user's groups, such as X-Remote-Groups", None
    )
    groups_separator: str = setting(
        "separator between two groups in groups_header", ",", min_length=1, max_length=1
    )

    def _errors(self) -> Found:
        if self.header and not self.addresses:
            text = Sentence("is missing beside header; name the addresses of the reverse proxies")
            yield ("addresses",), text
        if self.groups_header and not self.header:
            text = Sentence("is missing beside groups_header; name the header that carries the user name")
            yield ("header",), text
        if any(network.prefixlen == 0 for network in self.addresses):
            text = Sentence(
                "covers every address, so any client could impersonate any user; name the proxies alone"
            )
            yield ("addresses",), text


class OidcSettings(PasswordSource):
    """[web.access.oidc]"""

    STEM, WHAT = "client_secret", Sentence("the client secret of the identity provider")
    _path: str = PrivateAttr(default="web.access.oidc")

    issuer: str = setting(
        "URL of the identity provider, exactly as its metadata states it: https://login.example/realm"
    )
    client_id: str = setting("client ID of callmon at the provider", min_length=1)
    client_secret_file: Path | None = setting("file that holds the client secret", None)
    client_secret_env: str | None = setting(
        "environment variable that holds the client secret", None, min_length=1
    )
    ca_file: Path | None = authorities()
    scopes: tuple[Claim, ...] = setting("scopes that callmon requests from the provider", ("openid", "profile"))
    name_claim: Claim = setting("claim that carries the user name", "preferred_username")
    groups_claim: Claim = setting("claim that carries the user's groups", "groups")

    @field_validator("issuer")
    @classmethod
    def _is_encrypted(cls, value: str) -> str:
        return encrypted(value, "https://login.example/realm")

    def _errors(self) -> Found:
        if (self.client_secret_file is None) == (self.client_secret_env is None):
            yield ("client_secret_file",), Sentence("or client_secret_env is needed, and only one of them")


class RoleSettings(Table):
    """[web.access.roles]: which groups of the proxy or the provider have which role; "*" is everybody it knows."""

    viewer: tuple[str, ...] = setting("groups that see the pages without numbers", ())
    agent: tuple[str, ...] = setting("groups that make callbacks: they see numbers and the callback list", ())
    manager: tuple[str, ...] = setting("groups that read reports and announce disruptions", ())
    administrator: tuple[str, ...] = setting("groups that read the access log", ())

    def is_empty(self) -> bool:
        return not any(getattr(self, role) for role in type(self).model_fields)


class ServiceRoleSettings(Table):
    """[web.access.services.NAME]: groups that have a role for the data of this service alone."""

    viewer: tuple[str, ...] = setting("groups that see the pages of this service, without numbers", ())
    agent: tuple[str, ...] = setting("groups that make callbacks of this service", ())
    manager: tuple[str, ...] = setting("groups that read reports of this service", ())


class AccessSettings(Table):
    """[web.access]"""

    url: str | None = setting(
        "address of the pages in browsers: https://callmon.ministry.example; oidc needs it", None
    )
    accounts: bool = setting("allow sign-in with callmon's own accounts (callmon users)", False)
    idle: Duration = setting("a session ends after this long without a page request", "1h")
    longest: Duration = setting("a session ends after this long in any case; 12h covers one working day", "12h")
    most_sessions: int = setting(
        "most sessions of one user; a further sign-in ends the oldest", 5, ge=1, le=100, unit="sessions"
    )
    proxy: ProxySettings = setting("sign-in by a reverse proxy", {})
    oidc: OidcSettings | None = setting("sign-in by an identity provider (OpenID Connect)", None)
    roles: RoleSettings = setting("roles, and the groups that have each", {})
    services: dict[str, ServiceRoleSettings] = setting("roles for one service alone", {})

    def roles_of(self, groups: Iterable[str]) -> frozenset[str]:
        """The names of the roles of a user in these groups: "manager", or "manager:poci" for one service."""
        theirs, given = {*groups, EVERYBODY}, {"": self.roles, **self.services}
        return frozenset(
            f"{role}:{service}" if service else role
            for service, table in given.items()
            for role in type(table).model_fields
            if theirs & {*getattr(table, role)}
        )

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = urlsplit(encrypted(value, "https://callmon.ministry.example"))
        if url.path.strip("/") or url.query or url.fragment:
            raise RefusedValueError(
                '"{value}" has a path; give the scheme and host alone: the pages begin at the root', value=value
            )
        return f"{url.scheme}://{url.netloc}"

    @property
    def is_configured(self) -> bool:
        """Whether any way to identify a user is configured."""
        return self.accounts or self.oidc is not None or self.proxy.header is not None

    def _errors(self) -> Found:
        if self.oidc is not None and self.url is None:
            text = Sentence("is missing beside oidc; the provider sends browsers back to this address")
            yield ("url",), text
        if (
            (self.oidc is not None or self.proxy.header is not None)
            and self.roles.is_empty()
            and not self.services
        ):
            yield ("roles",), Sentence('is missing; give each role its groups, such as viewer = ["*"]')
        if self.idle > self.longest:
            text = Sentence("is longer than longest, so it would never apply; shorten idle or raise longest")
            yield ("idle",), text


def is_encrypted(address: object) -> bool:
    """Whether the address is https, or http on this machine."""
    try:
        url = urlsplit(str(address))
        host, _ = url.hostname, url.port  # reading an invalid port raises ValueError
    except ValueError:
        return False
    is_here = host in ("localhost", "127.0.0.1", "::1")
    return bool(host) and not url.username and (url.scheme == "https" or (url.scheme == "http" and is_here))


def encrypted(value: str, example: str) -> str:
    """The address. Raises RefusedValueError with the example for one that `is_encrypted` refuses."""
    if not is_encrypted(value):
        raise RefusedValueError(
            '"{value}" is no https address; write it as "{example}" (http only on this machine)',
            value=value,
            example=example,
        )
    return value


class WebSettings(Table):
    """[web]"""

    listen: str = setting("address and port of /metrics, /healthz and the pages", "127.0.0.1:10469")
    reload: bool = setting(
        "POST /-/reload reads the configuration again, as SIGHUP does; it needs no sign-in", False
    )
    series: Literal["all", "slim"] = setting(
        "the series of /metrics: slim, or also those that no shipped board or rule needs (all)", "slim"
    )
    config_file: Path | None = setting(
        "TLS and basic authentication: a web.config.yml as Prometheus' exporter-toolkit reads it", None
    )
    access: AccessSettings = setting("sign-in, and the roles that see each page", {})

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and int(port) <= 65535):
            raise RefusedValueError(
                '"{value}" is no address with a port; write it as "127.0.0.1:10469"', value=value
            )
        return value

    @property
    def host(self) -> str:
        """The host of `listen`, without the brackets of an IPv6 address."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of `listen`; 0 lets the system choose."""
        return int(self.listen.rpartition(":")[2])
