"""Bytes that nobody meant, put into what reads an exchange, its CEL, a configuration: nothing may crash or hang.

`python -m tests.fuzz MINUTES [TARGET]` goes on for so long. Refuses to judge what callmon concludes from nonsense.
"""

from tests.support.environment import remove_given

remove_given()  # what its commands and tests start has none of them
