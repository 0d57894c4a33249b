"""What callmon sends to other programs of one call: the only list. Pure.

    a field of a call ─▶ named here for an output? ─▶ sent there; else it goes nowhere

A field that a later version adds to a call is sent nowhere until it is named here. `callmon export` has its
columns in `features/months/open_data/columns.toml`, a list of the same kind.

Refuses: a caller's number, a name, a channel. The phones of MQTT are checked again where they are written.
"""

MQTT = (
    *(
        "call",
        "exchange",
        "direction",
        "line",
        "dialled",
        "language",
        "in_hours",
        "arrived",
        "ringing",
        "answered",
    ),
    *(
        "ended",
        "rings",
        "rings_estimated",
        "heard_ringing",
        "wait_start",
        "wait_seconds",
        "outcome",
        "abandoned_in",
    ),
    *("answered_by", "transfers", "forwards", "parked", "holds", "voicemail", "heard", "gaps", "verdicts"),
    *("reasons", "cause", "test"),
)
MQTT_VOICEMAIL = ("mailbox", "rings", "message")
WEBHOOK = ("exchange", "call", "line", "arrived", "ended", "outcome", "url")
API_LIST = "call exchange line arrived outcome language rings heard is_test"
API_CALL = (
    "call direction line language in_hours arrived ringing answered ended rings rings_estimated wait_start "
    "outcome abandoned_in forwards parked holds heard"
)
API_FACT = "type at phone"
API_TRANSFER = "kind answered"
API_VERDICT = "standard verdict cause"
API_VOICEMAIL = "rings message"
# Those of a span; `callmon.verdict.` is followed by the name of a standard.
TRACES = (
    *("callmon.exchange", "callmon.line", "callmon.outcome", "callmon.heard", "callmon.language"),
    *("callmon.in_hours", "callmon.rings", "callmon.test", "sip.call_id"),
    *("callmon.phone", "callmon.transfer", "callmon.answered"),
)
TRACES_VERDICT = "callmon.verdict."
