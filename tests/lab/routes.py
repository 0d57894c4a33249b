"""The lab's dialplan, beside the shipped one: `dialplan/`, and each queue that has the caller for a time.

A caller of the lab requests a route by name, in a header that only the lab sends. Everything else goes to the
shipped dialplan.
"""

from __future__ import annotations

from pathlib import Path

BOX, END = " same => n,Goto(box,500,1)\n", " same => n,Hangup()\n"
# The queues that have the caller for at most so many seconds, and what comes then.
QUEUES = (
    ("one", 30, BOX),
    ("two", 60, BOX),
    ("left", 60, BOX),
    ("timeout", 20, BOX),
    ("console", 60, END),
    ("console-too", 60, END),
    ("boxed", 60, END),  # the only member's own box answers for it
    ("local", 60, BOX),
    ("then", 60, ""),
    ("asks", 60, ""),  # who waits may press 2, to be called back
    ("then-keys", 60, ""),
    ("grouped", 60, END),  # colleagues may take with *8 what rings at its member
    ("keys", 60, BOX),  # the key 1 leads out of the queue
)


def _file(name: str) -> str:
    return "\n" + (Path(__file__).parent / "dialplan" / name).read_text("utf-8")


QUEUE = """
[lab-queue-{name}]
exten => s,1,Answer()
 same => n,Queue(lab-queue-{name},tk,,,{seconds})
{then}"""
ROUTES = "".join(
    (
        _file("routes.conf"),
        *(QUEUE.format(name=name, seconds=seconds, then=then) for name, seconds, then in QUEUES),
        _file("ringing.conf"),
    )
)
