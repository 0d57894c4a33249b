"""What the lab adds to the shipped configuration: ports, passwords, more phones, more routes.

The files of ``asterisk/`` are copied as they are. Everything here goes into ``site/``, the very place
where a real site keeps its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "asterisk"
TRUNK_ADDRESS = "127.0.0.2"  # Asterisk knows the trunk by its address, and phones by their name
HOME = "127.0.0.1"
PHONES_SHIPPED = tuple(str(n) for n in range(101, 107))
PHONES_ADDED = tuple(str(n) for n in range(110, 170))
PHONES_OFFLINE = ("198", "199")  # known to Asterisk, never registered
PHONES_SILENT = ("107",)  # registered, takes calls and says nothing
QUEUES = {
    "lab-queue-one": ("110", "111"),
    "lab-queue-two": ("112", "113"),
    "lab-queue-left": ("114",),
    "lab-queue-timeout": ("115",),
    "lab-queue-empty": ("116",),
}

# Routes that a caller of the lab asks for by name, in a header which only the lab sends. Everything else
# goes to the shipped dialplan.
ROUTES = """
[site-routes](+)
exten => _[+0-9].,1,Set(LAB_ROUTE=${PJSIP_HEADER(read,X-Lab-Route)})
 same => n,GotoIf($["${LAB_ROUTE}" = ""]?lines,${EXTEN},1)
 same => n,Set(__TRANSFER_CONTEXT=internal)
 same => n,Goto(${LAB_ROUTE})

[lab-busy]                  ; no voicemail behind: busy stays busy
exten => s,1,Dial(PJSIP/101&PJSIP/102,24,tk)
 same => n,GotoIf($["${DIALSTATUS}" = "BUSY"]?engaged)
 same => n,Hangup()
 same => n(engaged),Busy(5)

[lab-in-vain]               ; no voicemail behind: it rings, and that is all
exten => s,1,Dial(PJSIP/101&PJSIP/102&PJSIP/103,24,tk)
 same => n,Hangup()

[lab-early-box]             ; voicemail after two rings
exten => s,1,Dial(PJSIP/101&PJSIP/102&PJSIP/103,12,tk)
 same => n,Goto(box,500,1)

[lab-late-box]              ; voicemail after five rings and a half
exten => s,1,Dial(PJSIP/101&PJSIP/102&PJSIP/103,33,tk)
 same => n,Goto(box,500,1)

[lab-offline]
exten => s,1,Dial(PJSIP/198&PJSIP/199,24,tk)
 same => n,Hangup()

[lab-offline-box]           ; the same with voicemail behind: it takes the call at once
exten => s,1,Dial(PJSIP/198&PJSIP/199,24,tk)
 same => n,Goto(box,500,1)

[lab-silence]               ; phones that are there but say nothing: 24 s of silence
exten => s,1,Dial(PJSIP/107,24,tk)
 same => n,Hangup()

[lab-congestion]
exten => s,1,Dial(PJSIP/6475550191@trunk,24)
 same => n,Congestion(3)

[lab-announcement-unanswered]
exten => s,1,Progress()
 same => n,Playback(ss-noservice,noanswer)
 same => n,Hangup()

[lab-menu-only]             ; a menu that hangs up on whoever presses nothing
exten => s,1,Answer()
 same => n,Background(beep)
 same => n,WaitExten(4)
exten => t,1,Hangup()

[lab-only]                  ; one phone, any
exten => _1XX,1,Dial(PJSIP/${EXTEN},24,tk)
 same => n,Goto(box,500,1)

[lab-half-offline]
exten => s,1,Dial(PJSIP/198&PJSIP/101,24,tk)
 same => n,Goto(box,500,1)

[lab-queue-one]
exten => s,1,Answer()
 same => n,Queue(lab-queue-one,tk,,,30)
 same => n,Goto(box,500,1)

[lab-queue-two]
exten => s,1,Answer()
 same => n,Queue(lab-queue-two,tk,,,60)
 same => n,Goto(box,500,1)

[lab-queue-left]
exten => s,1,Answer()
 same => n,Queue(lab-queue-left,tk,,,60)
 same => n,Goto(box,500,1)

[lab-queue-timeout]
exten => s,1,Answer()
 same => n,Queue(lab-queue-timeout,tk,,,20)
 same => n,Goto(box,500,1)

[lab-queue-ringing]         ; the queue lets the caller hear ringing instead of music
exten => s,1,Queue(lab-queue-empty,tkr,,,60)
 same => n,Goto(box,500,1)

[lab-local]                 ; a group of Local channels that stay (/n)
exten => s,1,Dial(Local/120@lab-member/n&Local/121@lab-member/n,24,tk)
 same => n,Goto(box,500,1)

[lab-local-optimised]       ; the same, which step aside once the call is answered
exten => s,1,Dial(Local/122@lab-member&Local/123@lab-member,24)
 same => n,Goto(box,500,1)

[lab-member]
exten => _1XX,1,Dial(PJSIP/${EXTEN},24)

[lab-confirm]               ; a mobile must press 1 before it gets the call (a mobile's own voicemail cannot)
exten => s,1,Dial(Local/6475550190@lab-mobile/n,24,tk)
 same => n,Goto(box,500,1)

[lab-mobile]
exten => _X.,1,Dial(PJSIP/${EXTEN}@trunk,24,U(lab-press-one))

[lab-press-one]
exten => s,1,Read(PRESSED,beep,1,,1,5)
 same => n,GotoIf($["${PRESSED}" = "1"]?taken)
 same => n,Set(GOSUB_RESULT=CONTINUE)
 same => n(taken),Return()
"""


@dataclass(frozen=True)
class Ports:
    ami: int
    sip: int
    trunk: int
    phones: int


@dataclass(frozen=True)
class Secrets:
    callmon: str
    witness: str
    phones: str


def write(etc: Path, etc_inside: str, ports: Ports, secrets: Secrets, directories: str) -> None:
    """The shipped files as they are, and the lab's own beside them in ``site/``."""
    site = etc / "site"
    site.mkdir(parents=True)
    for shipped in SHIPPED.glob("*.conf"):
        (etc / shipped.name).write_bytes(shipped.read_bytes())
    own = {
        "manager": _manager(ports, secrets),
        "pjsip": _pjsip(ports, secrets),
        "extensions": ROUTES,
        "queues": "".join(_queue(name, members) for name, members in QUEUES.items()),
        "rtp": "[general](+)\nrtpstart = 12000\nrtpend = 31998\n",
        "musiconhold": "[default](+)\ndirectory = sounds/en/digits\n",
    }
    for name, text in own.items():
        (site / f"{name}.conf").write_text(text)
    # Asterisk reads this one before it knows its own directories: the include must be absolute.
    (etc / "lab.conf").write_text(f"{directories}#include {etc_inside}/asterisk.conf\n")


def _manager(ports: Ports, secrets: Secrets) -> str:
    return (
        f"[general](+)\nport = {ports.ami}\nbindaddr = {HOME}\n"
        f"[callmon](+)\nsecret = {secrets.callmon}\n"
        f"[witness]\nsecret = {secrets.witness}\nread = all\nwrite = all\nwritetimeout = 10000\n"
    )


def _pjsip(ports: Ports, secrets: Secrets) -> str:
    lines = [f"[transport-udp](+)\nbind = {HOME}:{ports.sip}"]
    lines.append(f"[trunk](+type=aor)\ncontact = sip:{TRUNK_ADDRESS}:{ports.trunk}")
    lines.append(f"[trunk](+type=identify)\nmatch = {TRUNK_ADDRESS}")
    for number in PHONES_ADDED + PHONES_OFFLINE + PHONES_SILENT:
        lines.append(
            f"[{number}](phone)\nauth = {number}\naors = {number}\ncallerid = Agent {number} <{number}>\n"
            f"[{number}](phone-auth)\nusername = {number}\n[{number}](phone-aor)"
        )
    for number in ("trunk", *PHONES_SHIPPED, *PHONES_ADDED, *PHONES_SILENT):
        lines.append(f"[{number}](+type=endpoint)\nmedia_address = {HOME}\nbind_rtp_to_media_address = yes")
    for number in (*PHONES_SHIPPED, *PHONES_ADDED, *PHONES_OFFLINE, *PHONES_SILENT):
        lines.append(f"[{number}](+type=auth)\npassword = {secrets.phones}")
    return "\n".join(lines) + "\n"


def _queue(name: str, members: tuple[str, ...]) -> str:
    rows = "".join(f"member => PJSIP/{number},0,Agent {number}\n" for number in members)
    return f"[{name}](line-queue)\n{rows}"
