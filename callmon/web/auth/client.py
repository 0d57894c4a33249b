"""The network origin of a request: address, scheme, and whether the browser runs on this machine.

Pure: reads only the request's own data. Refuses: `X-Forwarded-For` and `-Proto` from any address that is not a
proxy of the configuration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from callmon.config.web import AccessSettings, Network

# Headers that a proxy adds. Any header that begins with `X-Forwarded-` counts too.
FORWARDED = frozenset(
    (
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for"),
        *("cf-connecting-ip", "true-client-ip", "fastly-client-ip", "x-envoy-external-address"),
    )
)
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """`address`: of the browser. `is_by_proxy`: a trusted proxy forwarded the request. `is_here`: the browser runs
    on this machine. `origins`: the origins from which a callmon form may come. `is_forwarded`: by any proxy.
    """

    address: str
    is_by_proxy: bool
    is_https: bool
    is_here: bool
    origins: frozenset[str]
    is_forwarded: bool = False


def client_info(request: HTTPConnection, settings: AccessSettings) -> ClientInfo:
    peer = request.client.host if request.client is not None else ""
    is_by_proxy = is_one_of(peer, settings.proxy.addresses)
    address = _behind(peer, request.headers.getlist("x-forwarded-for"), settings) if is_by_proxy else peer
    scheme = _scheme(request, settings, is_by_proxy)
    host = request.headers.get("host", "")
    own = (settings.url,) if settings.url else ()
    origins = frozenset((f"{scheme}://{host}", *own))
    is_here, is_forwarded = _is_here(request, peer, host), _is_forwarded(request)
    return ClientInfo(address, is_by_proxy, scheme == "https", is_here, origins, is_forwarded)


@lru_cache(1024)
def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, IPv4 in any notation; None for another text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_one_of(address: str, networks: Sequence[Network]) -> bool:
    known = parsed_address(address)
    return known is not None and any(known in network for network in networks)


def _behind(peer: str, forwarded: Sequence[str], settings: AccessSettings) -> str:
    """The last address that is not a trusted proxy. Any client could have written the addresses before it."""
    for part in reversed(",".join(forwarded).split(",")):
        address = _bare(part.strip())
        if parsed_address(address) is None:
            return peer
        peer = address
        if not is_one_of(address, settings.proxy.addresses):
            return peer
    return peer


def _bare(text: str) -> str:
    """The address without its port: 192.0.2.1:8080, [2001:db8::1]:8080."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _scheme(request: HTTPConnection, settings: AccessSettings, is_by_proxy: bool) -> str:
    forwarded = request.headers.getlist("x-forwarded-proto") if is_by_proxy else []
    if forwarded:
        return "https" if forwarded[-1].rpartition(",")[2].strip().lower() == "https" else "http"
    own = settings.url if is_by_proxy else None
    return "https" if own and own.startswith("https:") else str(request.scope["scheme"])


def _is_here(request: HTTPConnection, peer: str, host: str) -> bool:
    """Whether the browser runs on this machine and addresses callmon by a loopback name.

    A foreign page can resolve its own host name to this machine, but it cannot change the browser's Host header.
    A proxy on this machine forwards requests from elsewhere. No browser speaks HTTP/1.0; nginx does to its
    upstream by default.
    """
    return not _is_forwarded(request) and is_loopback(peer) and is_loopback(_name(host))


def _is_forwarded(request: HTTPConnection) -> bool:
    is_old = request.scope.get("http_version") == "1.0"
    return is_old or any(name in FORWARDED or name.startswith("x-forwarded-") for name in request.headers)


def _name(host: str) -> str:
    """The host without its port; "" when it cannot be parsed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    address = parsed_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def by_network(address: str) -> str:
    """The key of a network: the /16 of an IPv4 address, the /48 of an IPv6 address."""
    known = parsed_address(by_address(address).partition("/")[0])
    if known is None:
        return address
    return str(ip_network(f"{known}/{16 if known.version == 4 else 48}", strict=False))


def by_address(address: str) -> str:
    """The key of an address: the IPv4 address in any notation, or the /64, which one IPv6 user has as a whole."""
    known = parsed_address(address)
    if known is None:
        return address
    if known in NAT64:
        known = IPv4Address(int(known) & 0xFFFF_FFFF)
    return str(known if known.version == 4 else ip_network((int(known) >> 64 << 64, 64)))
