"""A resource of the read API, the request that it answers, and what its list is.

An answer is of a declared type: what its type does not name is not sent. No type has a caller's number, a channel,
a mailbox or the name of a member of staff.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

import msgspec
from starlette.exceptions import HTTPException

from callmon.text.labels import unknown_name
from callmon.web.auth.identity import Right
from callmon.web.context import PageContext

T = TypeVar("T")
Name = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="a name of the configuration, such as general"),
]  # of a line or a service
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
TIMES: dict[Any, Any] = {datetime: Aware, datetime | None: Aware | None, tuple[datetime, ...]: list[Aware]}
FIRST, LAST = date(1990, 4, 2), date(2100, 1, 1)


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of a resource without parameters."""


class ItemList(msgspec.Struct, Generic[T], frozen=True):
    """Items. `next`: the cursor of the next part, which the parameter `after` takes; null after the last part."""

    items: list[T]
    next: str | None = None


class ApiRequest:
    """A request. `context`: of the services whose data the reader may see. `query`: of the resource's own type."""

    def __init__(self, context: PageContext, parts: Mapping[str, str], query: Any) -> None:
        self.context = context
        self.parts = parts
        self.query = query
        self.settings = context.settings
        self.reader = context.reader
        self.ask = context.ask
        self.now = datetime.now(UTC)

    def day(self, given: date | None) -> date:
        """A local day as the pages limit it; without one, today."""
        day = given or self.settings.calendar().local_day(self.now)
        return min(max(day, FIRST), LAST)

    def name(self, kind: str) -> str | None:
        """The line or service of the query. A list of all would be taken for that of a misspelt one."""
        given, names = getattr(self.query, kind), self.settings.names(kind)
        if given is not None and given not in names:
            raise HTTPException(404, unknown_name(kind, given, names, "en"))
        return given  # type: ignore[no-any-return]  # of the query's type


def missing() -> HTTPException:
    return HTTPException(404, "Nothing of this name is stored.")


def part_of(name: str, whole: type, fields: str, **more: Any) -> Any:
    """The type `name` with these fields of a type, and with more."""
    hints = {x: TIMES.get(hint, hint) for x, hint in get_type_hints(whole).items()}
    return msgspec.defstruct(name, [*((x, hints[x]) for x in fields.split()), *more.items()], frozen=True)


@dataclass(frozen=True)
class Resource:
    """`path`: below API. `of`: the type to which the answer is converted, or each item of a list."""

    path: str
    answer: Callable[[ApiRequest], Awaitable[Any]]
    of: type[msgspec.Struct]
    query: type[msgspec.Struct] = Query
    right: Right = Right.VIEW
    is_list: bool = True

    @property
    def type(self) -> Any:
        return ItemList[self.of] if self.is_list else self.of  # type: ignore[name-defined]  # made at run time
