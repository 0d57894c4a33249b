"""A contact: a call between a service and one of its callers, as far as the ledger needs it. Pure.

The ledger makes a contact of each outbound call and of each answered inbound call. It applies its own contacts at
once. With several pairs on one PostgreSQL (`store.pairs`), each pair stores its contacts and applies the others'.

    attempted    the phone rang for four rings, or the talk was too short (`is_short`)
    called_back  a person of the service talked with the caller long enough
    reached_us   the caller called the service again and talked to a person
    unattributed the exchange called the number, and no phone of the service was joined with the person
"""

from datetime import datetime
from typing import Literal

import msgspec

ContactKind = Literal["attempted", "called_back", "reached_us", "unattributed"]


class Contact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`at`: UTC, by the exchange's clock: the end of the fourth ring, or the answer. `token`: of the number.

    `service`: the called service. Of an outbound call: the only service that its phone may call back for, or None.
    `tty`: the phone may call back TTY callers. `is_unsure`: the talk may have been long enough.
    `is_unbelieved`: the exchange's clock was not trusted.
    """

    kind: ContactKind
    exchange: str
    call: str
    token: str
    at: datetime
    phone: str = ""
    service: str | None = None
    tty: bool = False
    is_unsure: bool = False
    is_unbelieved: bool = False
    is_short: bool = False
