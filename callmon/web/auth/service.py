"""Access control behind the sign-in and the middleware: identity, sessions, password checks, the audit record.

The database is queried in this service's own threads, never in the event loop. Passwords are compared one at a
time (64 MiB each), in the order of `fair_queue.py`. Refuses: a further comparison while its places are taken.
"""

import asyncio
import hmac
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Literal, NamedTuple, ParamSpec, TypeVar

from markupsafe import Markup
from starlette.requests import HTTPConnection

from callmon.config.web import AccessSettings
from callmon.logs import Seldom
from callmon.store import access, access_tokens
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.threads import BlockingThreads
from callmon.web.auth import cookies, passwords
from callmon.web.auth.client import ClientInfo, by_address, by_network
from callmon.web.auth.fair_queue import FairQueue
from callmon.web.auth.identity import LOCAL_VIEWER, UNKNOWN, Identity, Person, person_with, proxy_identity
from callmon.web.auth.route import PageRoute
from callmon.web.auth.tokens import bearer

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 4
FREE = 5  # attempts: a mistyped password is not yet an attack
# Seconds. An account's are few, so that strangers cannot lock its owner out.
FIRST = 1.0
OF_ADDRESS = 900.0
OF_ACCOUNT = 60.0
FORGOTTEN_AFTER = 3600.0
MOST = 10_000  # accounts, or addresses
NO_STORE = AccessSettings()  # no sign-in is configured: the database is not queried


class Tried(NamedTuple):
    """The result of a sign-in attempt: the cookies of session and device, or seconds to `wait`, or neither."""

    cookie: str = ""
    wait: float = 0.0
    device: str = ""


class SignInThrottle:
    """Limits on sign-in attempts by key: the first are free, then each waits twice as long as the one before.

    An attempt counts when its comparison begins: who found no place has not tried. `longest`: the longest wait
    between two attempts, in seconds. `most`: keys; the one with the oldest last attempt is dropped first.
    """

    def __init__(self, longest: float, most: int = MOST) -> None:
        self._longest, self._most = longest, most
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, time of the last

    def __len__(self) -> int:
        return len(self._tries)

    def wait(self, key: str, now: float) -> float:
        """Seconds until the next attempt is allowed; 0 when it is allowed now."""
        count, last = self._tries.get(key, (0, now))
        if count < FREE or now - last >= FORGOTTEN_AFTER:
            return 0.0
        return max(0.0, last + min(FIRST * 2.0 ** min(count - FREE, 30), self._longest) - now)

    def tried(self, key: str, now: float) -> None:
        count, last = self._tries.pop(key, (0, now))
        self._tries[key] = (1 if now - last >= FORGOTTEN_AFTER else count + 1, now)
        while len(self._tries) > self._most:
            self._tries.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Removes the successful attempt from the count; those before it stay."""
        count, last = self._tries.get(key, (0, 0.0))
        if count > 1:
            self._tries[key] = (count - 1, last)
        else:
            self._tries.pop(key, None)

    def forget(self, key: str) -> None:
        self._tries.pop(key, None)


class AccessService:
    """One for a daemon. Without settings, only a browser on this machine is known; without a store, no session."""

    def __init__(
        self,
        settings: AccessSettings = NO_STORE,
        store: Database | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.settings = settings
        self._store = store
        self.now = now
        self._clock = clock
        self._untrusted = Seldom(
            log, "sign-in: identity header refused from an address outside web.access.proxy.addresses"
        )
        self._terms = access.SessionLimits(settings.idle, settings.longest, settings.most_sessions)
        self._by_account, self._by_address = SignInThrottle(OF_ACCOUNT), SignInThrottle(OF_ADDRESS)
        self._queue = FairQueue()
        self._threads = BlockingThreads(THREADS, "access")

    @property
    def has_sign_in(self) -> bool:
        """Whether callmon's pages offer a sign-in: accounts or a provider."""
        return self.settings.accounts or self.settings.oidc is not None

    def own_entries(self) -> tuple[PageRoute, ...]:
        """Pages and acts beside those of every site; `tools/demo/access.py` has some."""
        return ()

    def banner(self, _person: Person, _csrf: str, _language: str) -> Markup:
        """Returns the markup above each page for a browser on this machine."""
        return Markup()

    async def known(self, request: HTTPConnection, asking: ClientInfo, is_use: bool = True) -> Identity:
        """The identity. `is_use`: the request counts as use of the session. Raises NotOneError, StoreError."""
        token = bearer(request)
        if token is None and not self.settings.is_configured:
            return Identity(LOCAL_VIEWER) if asking.is_here else UNKNOWN
        header = self.settings.proxy.header
        if header and header in request.headers:
            if not asking.is_by_proxy:
                self._untrusted(address=asking.address, header=header)
            elif (known := proxy_identity(request, self.settings)) is not None:
                return known
        if token is not None:
            return await self._by_token(token)
        return await self._by_session(request, asking, is_use)

    async def _by_token(self, token: str) -> Identity:
        if self._store is None:
            return UNKNOWN
        found = await self._ask(access_tokens.valid_token, self._store, cookies.hashed(token), self.now())
        return UNKNOWN if found is None else Identity(person_with(f"token {found.name}", found.roles), "token")

    async def _by_session(self, request: HTTPConnection, asking: ClientInfo, is_use: bool) -> Identity:
        cookie = cookies.read(request.cookies, cookies.SESSION, asking.is_https)
        if not cookie or not self.has_sign_in or self._store is None:
            return UNKNOWN
        name = cookies.hashed(cookie)
        found = await self._ask(access.valid_session, self._store, name, self.now(), self._terms, is_use)
        match found:
            case access.SessionRow(source="account") if self.settings.accounts:
                return Identity(person_with(found.person, found.roles), "account", cookie)
            case access.SessionRow(source="oidc") if self.settings.oidc is not None:
                return Identity(person_with(found.person, found.roles), "oidc", cookie)
        return UNKNOWN

    # ── signing in, and out ──

    async def prepare(self) -> None:
        """Makes the hash that unknown names are compared with, so that the first attempt takes no longer."""
        if self.settings.accounts:
            await self._ask(passwords.nobodys)

    async def try_password(self, name: str, password: str, asking: ClientInfo, device: str = "") -> Tried:
        """Attempts a sign-in. An unknown account, a locked one and a wrong password give one answer, in one time.

        A device with which the account signed in before has a wait of its own, without strangers' attempts.
        Raises TooManyError, StoreError.
        """
        whose = await self._whose_tries(name, device)
        origin = by_address(asking.address)
        if wait := self._wait(whose, origin):
            return Tried(wait=wait)
        async with self._queue.turn(by_network(asking.address), is_known=whose != name):
            if wait := self._wait(whose, origin):  # others have tried meanwhile
                return Tried(wait=wait)
            self._by_account.tried(whose, self._clock())
            self._by_address.tried(origin, self._clock())
            kept = "" if self._store is None else await self._kept_if_right(self._store, name, password, asking)
        if not kept:
            return Tried()
        self._by_account.forget(whose)
        self._by_address.succeeded(origin)
        cookie = await self.begin(Person(name), "account", asking)
        return Tried(cookie, device=cookies.device(name, kept))

    def _wait(self, whose: str, origin: str) -> float:
        at = self._clock()
        return max(self._by_account.wait(whose, at), self._by_address.wait(origin, at))

    async def _whose_tries(self, name: str, device: str) -> str:
        """The key for counting attempts: the account's name, or that and a device that proves its sign-in."""
        if self._store is None or not device:
            return name
        account = await self._ask(access.account, self._store, name)
        nonce = device[: cookies.NONCE]
        own = cookies.device(name, account.password, nonce) if account is not None else ""
        return f"{name}\0{nonce}" if hmac.compare_digest(own, device) else name

    async def begin(self, person: Person, source: Literal["account", "oidc"], asking: ClientInfo) -> str:
        """Begins a session and returns its cookie. The session id is always new: the browser's is not adopted."""
        assert self._store is not None
        cookie, at = cookies.new(), self.now()
        session = access.SessionRow(
            id=cookies.hashed(cookie), person=person.name, source=source, roles=person.role_names, made=at, seen=at
        )
        await self._ask(access.begin_session, self._store, session, self._terms)
        await self.note(asking, person.name, "sign in", source)
        return cookie

    async def end(self, known: Identity, asking: ClientInfo) -> None:
        """Ends this session; the person's other sessions continue."""
        if known.cookie and self._store is not None:
            await self._ask(access.end_session, self._store, cookies.hashed(known.cookie))
            await self.note(asking, known.person.name, "sign out", known.source)

    async def note_refused(self, about: str, asking: ClientInfo) -> None:
        """Records an unknown person's refused sign-in. The address's limit applies, to bound the records."""
        at, origin = self._clock(), by_address(asking.address)
        if not self._by_address.wait(origin, at):
            self._by_address.tried(origin, at)
            await self.note(asking, "", "sign in refused", about)

    async def note(self, asking: ClientInfo, actor: str, act: str, about: str = "") -> None:
        """Adds to the audit record. Raises StoreError: an act that cannot be recorded is not done."""
        if self._store is not None:
            audit_event = AuditRow(at=self.now(), who=actor, act=act, about=about, address=asking.address)
            await self._ask(access.record_event, self._store, audit_event)

    async def _kept_if_right(self, store: Database, name: str, password: str, asking: ClientInfo) -> str:
        """The account's password hash as stored from now on; "" for a wrong password or a locked account."""
        account = await self._ask(access.account, store, name)
        kept = account.password if account is not None else await self._ask(passwords.nobodys)
        is_right = await self._ask(passwords.is_right, kept, password)
        if not is_right or account is None or account.is_locked:
            # A name of no account is not recorded: it may be a password, typed into the wrong field.
            await self.note(asking, account.name if account else "", "sign in refused", "account")
            return ""
        if passwords.is_outdated(kept):
            kept = await self._ask(passwords.hashed, password)
            await self._ask(access.renew_hash, store, account, kept)
        return kept

    async def _ask(self, question: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(question, *arguments, **named))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
