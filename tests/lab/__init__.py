"""The lab: a real Asterisk, callers and phones for it, and truth about what they did.

``folder`` makes the folder that Asterisk runs in, ``exchange`` starts one, ``situations`` is the catalogue of
what can happen to a call, ``play`` makes it happen. What a situation expects is what its callers and phones
were told to do: never what an event said.
"""

from tests.lab.proxy import Proxy

from tests.lab.exchange import Asterisk
from tests.lab.folder import LabUnavailable, folder
from tests.lab.listener import Listener
from tests.lab.model import Caller, Phone, Played, Situation, Step
from tests.lab.play import Playing, play
from tests.lab.postgres import Postgres
from tests.lab.situations import SITUATIONS, named

__all__ = [
    "SITUATIONS",
    "Asterisk",
    "Caller",
    "LabUnavailable",
    "Listener",
    "Phone",
    "Played",
    "Playing",
    "Postgres",
    "Proxy",
    "Situation",
    "Step",
    "folder",
    "named",
    "play",
]
