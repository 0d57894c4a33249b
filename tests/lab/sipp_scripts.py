"""The actions of a caller played by sipp, as sipp's XML: the pieces of which each behaviour is composed.

One row of a CSV file is one caller: ``[field0]`` and so on are its columns, ``FIELDS`` names them. Everything
that differs between two callers of one behaviour is in their rows.
"""

from __future__ import annotations

FIELDS = (
    "begins",  # ms after sipp's start
    "dialled",
    "user",
    "shown",  # the From address that the exchange sees
    "route",  # these three are whole header lines
    "privacy",
    "identity",
    "key_at",  # ms after the answer
    "key",
    "rest",  # ms from the answer or from the key to hanging up; from the INVITE to giving up
)
FIELD = {name: f"[field{n}]" for n, name in enumerate(FIELDS)}
REFUSALS = (403, 404, 408, 480, 484, 486, 488, 500, 503, 603)
PROGRESS = (180, 181, 182, 183)
VOICE = "voice.pcap"
# sipp sends filler for 0.8 s before a key, and the key for 0.2 s.
SECONDS_BEFORE_KEY, KEY_SECONDS = 0.8, 1.5

SDP = """
v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 96
a=rtpmap:0 PCMU/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-16
a=sendrecv
"""


def _request(method: str, uri: str, via: str, more: str = "", tag: str = "[peer_tag_param]", sdp: str = "") -> str:
    return f"""
{method} {uri} SIP/2.0
{via}
From: {FIELD["shown"]};tag=[pid]sipp[call_number]
To: <sip:{FIELD["dialled"]}@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: [cseq] {method}
Contact: <sip:{FIELD["user"]}@[local_ip]:[local_port]>
Max-Forwards: 70
{more}Content-Length: [len]
{sdp}
"""


def _send(text: str, attributes: str = "") -> str:
    return f"<send{attributes}><![CDATA[{text}]]></send>\n"


def _do(actions: str) -> str:
    return f"<nop><action>{actions}</action></nop>\n"


def _numbers(*names: str) -> str:
    """Convert a row's figures for pauses. Not allowed where optional messages may come: sipp forbids it there."""
    text = (f'<assignstr assign_to="{name}_text" value="{FIELD[name]}"/>' for name in names)
    number = (f'<todouble assign_to="{name}" variable="{name}_text"/>' for name in names)
    return _do("".join((*text, *number)))


def _pause(name: str) -> str:
    """A pause of the length in this caller's row."""
    return f'<pause variable="{name}"/>\n'


_URI = f"sip:{FIELD['dialled']}@[remote_ip]:[remote_port]"
_NEW = "Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]"
_SAME = "[last_Via:]"  # ACK of a refusal, and CANCEL, belong to the INVITE's transaction
_OWN = "".join(f"{FIELD[name]}\n" for name in ("route", "privacy", "identity"))
_RESEND = ' retrans="500"'

INVITE = (
    _numbers("begins", "rest")
    + '<Reference variables="rest"/>\n'  # a caller that waits for the other side to hang up does not use it
    + _pause("begins")
    + _send(_request("INVITE", _URI, _NEW, f"{_OWN}Content-Type: application/sdp\n", "", SDP), _RESEND)
)
ANSWERED = (
    '<recv response="100" optional="true"/>\n'
    + "".join(f'<recv response="{code}" optional="true"/>\n' for code in PROGRESS)
    + "".join(f'<recv response="{code}" optional="true" next="refused"/>\n' for code in REFUSALS)
    + '<recv response="200" rrs="true"/>\n'
    + _send(_request("ACK", "[next_url]", _NEW))
)
KEY = (
    _numbers("key_at")
    + _pause("key_at")
    + _do(f'<exec play_dtmf="{FIELD["key"]}"/>')
    + f'<pause milliseconds="{KEY_SECONDS * 1000:.0f}"/>\n'
)
SPEAK = _do(f'<exec play_pcap_audio="{VOICE}"/>')
HANG_UP = (
    _pause("rest") + _send(_request("BYE", "[next_url]", _NEW), _RESEND) + '<recv response="200" next="over"/>\n'
)
_BACK = "".join(f"[last_{name}:]\n" for name in ("Via", "From", "To", "Call-ID", "CSeq"))
WAIT = '<recv request="BYE"/>\n' + _send(f"\nSIP/2.0 200 OK\n{_BACK}Content-Length: 0\n\n", ' next="over"')
# sipp ends a pause when a ringing response arrives, so this script runs with -pause_msg_ign: during a pause it
# ignores messages (and still logs them).
GIVE_UP = (
    '<recv response="100"/>\n'
    + _pause("rest")
    + _send(_request("CANCEL", _URI, _SAME, tag=""), _RESEND)
    + "".join(f'<recv response="{code}" optional="true"/>\n' for code in PROGRESS)
    + '<recv response="200"/>\n<recv response="487"/>\n'
)
REFUSED = '<label id="refused"/>\n' + _send(_request("ACK", _URI, _SAME))
OVER = '<label id="over"/>\n<nop hide="true"/>\n'

SCRIPTS = {
    "talks": (INVITE, ANSWERED, HANG_UP, REFUSED, OVER),
    "speaks": (INVITE, ANSWERED, SPEAK, HANG_UP, REFUSED, OVER),
    "presses": (INVITE, ANSWERED, KEY, HANG_UP, REFUSED, OVER),
    "presses-and-speaks": (INVITE, ANSWERED, KEY, SPEAK, HANG_UP, REFUSED, OVER),
    "waits": (INVITE, ANSWERED, WAIT, REFUSED, OVER),
    "gives-up": (INVITE, GIVE_UP, REFUSED),
}


OPTIONS = {"gives-up": ("-pause_msg_ign",)}


def script(name: str) -> str:
    body = "".join(SCRIPTS[name])
    return f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n{body}</scenario>\n'
