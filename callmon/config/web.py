"""The address of the pages, [web], and the users who may see them, [web.access].

There are three ways to identify a user: a reverse proxy's header, a provider's OpenID Connect, or callmon's
accounts. Without any of them, the pages serve only users of this machine, and show no number. Refuses: to connect.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyNetwork, PrivateAttr, StringConstraints, field_validator

from callmon.config.durations import Duration
from callmon.config.secrets import PasswordSource
from callmon.config.validation import Found, Table

EVERYBODY = "*"  # as a group: every signed-in user
HOUR = timedelta(hours=1)
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Claim = Annotated[str, StringConstraints(pattern=r"^[^\s]{1,100}$")]


Network = IPvAnyNetwork


class ProxySettings(Table):
    """[web.access.proxy]"""

    addresses: tuple[Network, ...] = Field(
        default=(), description="reverse proxies: they alone may say for whom, from where and over what they ask"
    )
    header: HeaderName | None = Field(
        default=None, description="the header in which they say who somebody is, such as X-Remote-User"
    )
    groups_header: HeaderName | None = Field(
        default=None, description="the header in which they say the person's groups, such as X-Remote-Groups"
    )
    groups_separator: str = Field(
        default=",", min_length=1, max_length=1, description="what stands between two groups there"
    )

    def _errors(self) -> Found:
        if self.header and not self.addresses:
            yield ("addresses",), "is missing beside header; name the proxies that may be believed"
        if self.groups_header and not self.header:
            yield ("header",), "is missing beside groups_header; name the one that says who somebody is"
        if any(network.prefixlen == 0 for network in self.addresses):
            yield ("addresses",), "is every address there is; anybody could say to be anyone"


class OidcSettings(PasswordSource):
    """[web.access.oidc]"""

    STEM, WHAT = "client_secret", "the secret that the provider gave"
    _path: str = PrivateAttr(default="web.access.oidc")

    issuer: str = Field(description="the provider, as its own configuration calls it: https://login.example/realm")
    client_id: str = Field(min_length=1, description="what the provider calls callmon")
    client_secret_file: Path | None = Field(default=None, description="file that holds the secret shared with it")
    client_secret_env: str | None = Field(
        default=None, min_length=1, description="environment variable that holds it"
    )
    ca_file: Path | None = Field(default=None, description="who vouches for it; when left out, the system")
    scopes: tuple[Claim, ...] = Field(default=("openid", "profile"), description="what the provider is asked for")
    name_claim: Claim = Field(default="preferred_username", description="the claim that says who somebody is")
    groups_claim: Claim = Field(default="groups", description="the claim that says the person's groups")

    @field_validator("issuer")
    @classmethod
    def _is_encrypted(cls, value: str) -> str:
        return _address(value, "https://login.example/realm")

    def _errors(self) -> Found:
        if (self.client_secret_file is None) == (self.client_secret_env is None):
            yield ("client_secret_file",), "or client_secret_env is needed, and only one of them"

    def secret(self) -> str:
        """The client secret, read now. Raises ConfigError when it cannot be read."""
        return self.secret_source().read_secret()


class RoleSettings(Table):
    """[web.access.roles]: which groups of the proxy or the provider have which role; "*" is everybody it knows."""

    viewer: tuple[str, ...] = Field(default=(), description="groups that see the pages without numbers")
    agent: tuple[str, ...] = Field(default=(), description="groups that call back: numbers, the callback list")
    manager: tuple[str, ...] = Field(default=(), description="groups that read reports and announce disruptions")
    administrator: tuple[str, ...] = Field(default=(), description="groups that see who saw and changed what")

    def roles_of(self, groups: Iterable[str]) -> frozenset[str]:
        """The names of the roles of a user in these groups."""
        theirs = {*groups, EVERYBODY}
        return frozenset(role for role in type(self).model_fields if theirs & {*getattr(self, role)})

    def is_empty(self) -> bool:
        return not any(getattr(self, role) for role in type(self).model_fields)


class AccessSettings(Table):
    """[web.access]"""

    url: str | None = Field(
        default=None, description="what browsers call callmon: https://callmon.ministry.example; needed for oidc"
    )
    accounts: bool = Field(default=False, description="callmon's own accounts may sign in (callmon users)")
    idle: Duration = Field(
        default=HOUR, description="signed out after so long without a page; a desk is left for lunch"
    )
    longest: Duration = Field(
        default=12 * HOUR, description="signed out after so long in any case: one working day, not the next"
    )
    most_sessions: int = Field(
        default=5,
        ge=1,
        le=100,
        description="browsers in which one person may be signed in; the oldest goes",
        json_schema_extra={"unit": "sessions"},
    )
    proxy: ProxySettings = Field(default=ProxySettings(), description="a reverse proxy before callmon")
    oidc: OidcSettings | None = Field(default=None, description="a provider that signs people in (OpenID Connect)")
    roles: RoleSettings = Field(default=RoleSettings(), description="which groups have which role")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = urlsplit(_address(value, "https://callmon.ministry.example"))
        if url.path.strip("/") or url.query or url.fragment:
            raise ValueError(f'"{value}" has a path; callmon\'s pages begin at the root of their own name')
        return f"{url.scheme}://{url.netloc}"

    @property
    def is_configured(self) -> bool:
        """Whether any way to identify a user is configured."""
        return self.accounts or self.oidc is not None or self.proxy.header is not None

    def _errors(self) -> Found:
        if self.oidc is not None and self.url is None:
            yield ("url",), "is missing beside oidc; the provider must know where to send people back to"
        if (self.oidc is not None or self.proxy.header is not None) and self.roles.is_empty():
            yield ("roles",), 'is missing; say which groups have which role, such as viewer = ["*"]'
        if self.idle > self.longest:
            yield ("idle",), "is longer than longest; nobody would ever be idle for so long"


def _address(value: str, example: str) -> str:
    """`value` when it is an https address, or http on this machine. Raises ValueError for any other."""
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port  # reading an invalid port raises ValueError
    except ValueError:
        host, url = None, urlsplit("")
    is_here = host in ("localhost", "127.0.0.1", "::1")
    if not host or url.username or not (url.scheme == "https" or (url.scheme == "http" and is_here)):
        raise ValueError(
            f'"{value}" is no encrypted address; write it as "{example}" (http on this machine alone)'
        )
    return value


class WebSettings(Table):
    """[web]"""

    listen: str = Field(
        default="127.0.0.1:9469", description="address and port of /metrics, /healthz and the pages"
    )
    access: AccessSettings = Field(default=AccessSettings(), description="who may see which page")

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError(f'"{value}" is no address with a port; write it as "127.0.0.1:9469"')
        return value

    @property
    def host(self) -> str:
        """The host of `listen`, without the brackets of an IPv6 address."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of `listen`; 0 lets the system choose."""
        return int(self.listen.rpartition(":")[2])
