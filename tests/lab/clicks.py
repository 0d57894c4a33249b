"""Layouts of click-to-dial: how a CRM, FreePBX or a wallboard calls AMI's Originate.

Each rings the agent's phone first and then dials the person outside. `{phone}` is the agent's extension,
`{number}` the number as the agent would dial it, `{outside}` the number without the 9. Asterisk optimises a
Local channel without `/n` away, but only while both parties speak.
"""

from __future__ import annotations

from collections.abc import Mapping

SECONDS_TO_PICK_UP = 15
Fields = Mapping[str, str]

AGENT, CALLER, NOBODY = "Agent {phone} <{phone}>", "<{outside}>", ""


def _extension(context: str = "internal", extension: str = "{number}", **more: str) -> Fields:
    return {"Context": context, "Exten": extension, "Priority": "1", **more}


def _dial(what: str) -> Fields:
    return {"Application": "Dial", "Data": f"{what},60"}


def _application(name: str, data: str) -> Fields:
    return {"Application": name, "Data": data}


def _click(channel: str, then: Fields, shows: str, answers_at_once: bool = True) -> Fields:
    """`shows`: the caller id. FreePBX sets the number outside: the agent's display shows the number to call."""
    asked = {"Channel": channel, **then, **({"CallerID": shows} if shows else {})}
    return asked | ({"Async": "true"} if answers_at_once else {})


DIRECT, BY_LOCAL = _dial("PJSIP/{outside}@trunk"), _dial("Local/{number}@internal/n")
BY_OPTIMISED = _dial("Local/{number}@lab-out")
PHONE, LOCAL, OPTIMISED = "PJSIP/{phone}", "Local/{phone}@internal/n", "Local/{phone}@lab-member"

LAYOUTS: dict[str, Fields] = {
    "phone": _click(PHONE, _extension(), AGENT),
    "phone_shows_caller": _click(PHONE, _extension(), CALLER),
    "phone_to_application": _click(PHONE, DIRECT, AGENT, answers_at_once=False),
    "phone_to_local": _click(PHONE, BY_LOCAL, AGENT),
    "phone_to_optimised": _click(PHONE, BY_OPTIMISED, CALLER),
    "local": _click(LOCAL, _extension(), AGENT),
    "local_shows_caller": _click(LOCAL, _extension(), CALLER),
    "local_shows_nobody": _click(LOCAL, _extension(), NOBODY),
    "local_to_application": _click(LOCAL, DIRECT, CALLER),
    "local_optimised": _click(OPTIMISED, _extension("lab-out"), AGENT),
    "both_local": _click(LOCAL, BY_LOCAL, CALLER),
    "both_optimised": _click(OPTIMISED, BY_OPTIMISED, AGENT),
    "chains": _click("Local/{phone}@lab-chain/n", _dial("Local/{number}@lab-chain-out/n"), CALLER),
    "chains_optimised": _click(
        "Local/{phone}@lab-chain-optimised", _dial("Local/{number}@lab-chain-out-optimised"), AGENT
    ),
    "number_in_variable": _click(
        LOCAL, _extension("lab-out-variable", "s", Variable="__CLICKED={number}"), CALLER
    ),
}

# Layouts that are not a call from an agent to a person outside.
OTHER_LAYOUTS: dict[str, Fields] = {
    "person_first": _click("Local/{number}@internal/n", _extension(extension="{phone}"), CALLER),
    "person_first_by_trunk": _click("PJSIP/{outside}@trunk", _extension(extension="{phone}"), CALLER),
    "person_first_to_queue": _click("Local/{number}@internal/n", _extension(extension="601"), CALLER),
    "person_first_to_conference": _click("PJSIP/{outside}@trunk", _application("ConfBridge", "621"), CALLER),
    "person_later_to_conference": _click("Local/{number}@lab-later/n", _application("ConfBridge", "622"), CALLER),
    "reminder": _click("PJSIP/{outside}@trunk", _application("Wait", "12"), CALLER),
    "mobile_first": _click("PJSIP/6475550173@trunk", _extension(), CALLER),
    "both_plain_local": _click(LOCAL, _dial("Local/{number}@lab-member/n"), AGENT),
}
# Phones and a trunk of chan_sip, which Asterisk 16 still has.
OLD_LAYOUTS: dict[str, Fields] = {
    "sip_phone": _click("SIP/{phone}", _dial("SIP/sip-trunk/{outside}"), CALLER),
    "sip_local": _click("Local/{phone}@lab-sip-member/n", _extension("lab-sip-out"), CALLER),
    "sip_both_local": _click("Local/{phone}@lab-sip-member/n", _dial("Local/{number}@lab-sip-out/n"), AGENT),
    "sip_both_optimised": _click("Local/{phone}@lab-sip-member", _dial("Local/{number}@lab-sip-out"), CALLER),
}


def fields(layout: str, phone: str, number: str) -> dict[str, str]:
    """The fields of the Originate action."""
    names = {"phone": phone, "number": number, "outside": number.removeprefix("9")}
    asked = {name: text.format(**names) for name, text in (LAYOUTS | OTHER_LAYOUTS | OLD_LAYOUTS)[layout].items()}
    return asked | {"Timeout": str(SECONDS_TO_PICK_UP * 1000)}
