"""What each panel must show: counted in plain Python over what happened, by none of the boards' queries.

By board and English title: a function that gives the rows, in the scene's language. A row says the columns that it
is sure of; a moment or a length that people's own side saw is `Near` what callmon heard.
"""

from collections.abc import Mapping

from tests.boards.truths.callbacks import CALLBACKS
from tests.boards.truths.calls import CALLS
from tests.boards.truths.counting import Truth
from tests.boards.truths.disruptions import DISRUPTIONS
from tests.boards.truths.itself import ITSELF
from tests.boards.truths.live import LIVE
from tests.boards.truths.parity import PARITY
from tests.boards.truths.standards import STANDARDS

TRUTHS: Mapping[str, Mapping[str, Truth]] = {
    "live": LIVE,
    "standards": STANDARDS,
    "callbacks": CALLBACKS,
    "parity": PARITY,
    "disruptions": DISRUPTIONS,
    "itself": ITSELF,
    "calls": CALLS,
}
