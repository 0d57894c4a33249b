"""The name or address of a server, without scheme, port or path: those have settings of their own.

Pure: no name is resolved. Refuses: nothing that may be a name in some network.
"""

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator

from callmon.config.wording import quoted
from callmon.errors import RefusedValueError

# pbx.example, also as a part of amis://user@pbx.example:5039/path
NAMED = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]*@)?"
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s:/@?#\[\]]+))(?::(?P<port>\d+))?(?:[/?#]\S*)?",
    re.IGNORECASE,
)


def _host(text: str) -> str:
    if not re.search(r"[\s:/@?#\[\]]", text) or _is_address(text):
        return text
    found = NAMED.fullmatch(text.strip())
    if found is None:
        raise RefusedValueError(
            '{value} is no host name or address; write one such as "pbx.example" or "10.1.2.3"', value=quoted(text)
        )
    name = quoted(found["address"] or found["name"])
    if found["port"]:
        raise RefusedValueError(
            "{value} is more than a host; write {name} here, and port = {port} beside it",
            value=quoted(text),
            name=name,
            port=found["port"],
        )
    raise RefusedValueError("{value} is more than a host; write {name} here", value=quoted(text), name=name)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


Host = Annotated[str, AfterValidator(_host)]
