"""A model that knows only what people did, and what one exchange says of it.

`acts` are the words: who calls, what rings, who picks up, who presses transfer, who hangs up, who pulls the
network cable. From one list of acts two things are made that know nothing of each other:

    acts ─┬─ tables ─▶ what Asterisk says (wire), in any order that it may ─▶ callmon ─▶ its conclusions ─┐
          └─ truth ──▶ what standards.md makes of it ─────────────────────────────────────────────────────┴─ equal

`scripts` tell recordings of a real Asterisk in acts; `likeness` compares what the tables make of them with what
was recorded. `histories` draws lists of acts. Nothing here imports the code that is tested but its field table.
"""

from tests.support.environment import remove_given

remove_given()  # what its commands and tests start has none of them
