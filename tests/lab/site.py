"""What the lab adds to the shipped configuration: ports, passwords, more phones, more routes.

The files of ``asterisk/`` are copied unchanged. Everything here goes into ``site/``, where a real site has its
own files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.routes import ROUTES

SHIPPED = Path(__file__).resolve().parents[2] / "asterisk"
TRUNK_ADDRESS = "127.0.0.2"  # Asterisk identifies the trunk by its address, and phones by their name
HOME = "127.0.0.1"
PHONES_SHIPPED = tuple(str(n) for n in range(101, 107))
PHONES_OF_RINGING = tuple(str(n) for n in range(800, 860))
PHONES_ADDED = (*(str(n) for n in (*range(110, 170), *range(200, 360))), *PHONES_OF_RINGING)
PHONES_OF_CHAN_SIP = tuple(str(n) for n in range(401, 433))
PHONES_OFFLINE = ("198", "199")  # known to Asterisk, never registered
PHONES_SILENT = ("107",)  # registered, receive calls and send nothing
QUEUES = {
    "lab-queue-one": ("110", "111"),
    "lab-queue-two": ("112", "113"),
    "lab-queue-left": ("114",),
    "lab-queue-timeout": ("115",),
    "lab-queue-empty": ("116",),
    "lab-queue-sent": ("205",),
    "lab-queue-sent-by-desk": ("207",),
    "lab-queue-redirected": ("278",),
    "lab-queue-vain": ("228",),
    "lab-queue-menu": ("326",),
    "lab-queue-then": ("337",),
    "lab-queue-then-keys": ("339",),
    "lab-queue-asks": ("350",),
    "lab-queue-grouped": ("164",),
    "lab-queue-keys": ("291",),
    "lab-queue-asked": ("279",),
    "lab-queue-asked-by-keys": ("139",),
    "lab-queue-of-nobody": (),
    "lab-queue-console": ("161",),
    "lab-queue-console-too": ("139",),
}
LOCAL_QUEUES = {
    "lab-queue-local": ("Local/327@lab-member/n",),
    "lab-queue-optimised": ("Local/328@lab-member",),
    "lab-queue-pool": ("Local/163@lab-agents/n",),
    "lab-queue-boxed": ("Local/165@lab-boxed/n",),
}
QUEUE_SETTINGS = {
    "lab-queue-asks": "context = offer-callback\n",
    "lab-queue-of-nobody": "joinempty = no\n",
    "lab-queue-keys": "context = lab-out-of-the-queue\n",
}
AGENTS = ("163",)  # of the agent pool
BOXES = ("280", "281", "505")  # phones with a voicemail box
# Boxes that do more than keep messages. No mail leaves: the program that would send it is `true`.
MORE_BOXES = """[general](+)
mailcmd = /bin/true
[default](+)
506 => ,Mailed,box@example.org,,attach=no|delete=yes
508 => ,Operator,,,operator=yes
"""
GROUPS = {
    "2": ("282", "283"),
    "3": ("284", "285"),
    "4": ("164", "165"),
}  # phones that may take each other's calls with *8
MODULES = (
    *("app_agent_pool", "app_bridgewait", "app_confbridge", "app_exec", "app_followme", "app_playtones"),
    "func_cut",
)
MODULES_UNTIL_20 = ("app_macro",)

# First the phone on the desk, then the mobile.
FOLLOW_ME = """
[general]
[312]
context = lab-followed-app
number = 312,6
number = 6475550197,15
"""
# A trunk that leads back to its own exchange.
LOOP = """
[trunk-loop]
type = endpoint
transport = transport-udp
context = from-trunk
disallow = all
allow = ulaw
aors = trunk-loop
from_user = trunk-loop
direct_media = no
trust_id_inbound = yes
trust_id_outbound = yes
send_pai = yes
media_address = {home}
bind_rtp_to_media_address = yes
[trunk-loop]
type = aor
contact = sip:{home}:{port}
"""


@dataclass(frozen=True)
class Ports:
    ami: int
    sip: int
    trunk: int
    phones: int
    chan_sip: int | None = None  # the old SIP driver, if Asterisk still has it


@dataclass(frozen=True)
class Secrets:
    callmon: str
    witness: str
    phones: str
    desk: str


def write(etc: Path, etc_inside: str, ports: Ports, secrets: Secrets, directories: str) -> None:
    """Copy the shipped files unchanged, and write the lab's own beside them in ``site/``."""
    site = etc / "site"
    site.mkdir(parents=True)
    for shipped in SHIPPED.glob("*.conf"):
        (etc / shipped.name).write_bytes(shipped.read_bytes())
    own = {
        "manager": _manager(ports, secrets),
        "pjsip": _pjsip(ports, secrets),
        "extensions": ROUTES,
        "queues": _queues(),
        "modules": "".join(f"load = {name}.so\n" for name in _modules(ports)),
        # A busy machine presses keys late: consecutive keys must still count as consecutive.
        "features": "[general](+)\nfeaturedigittimeout = 4000\ntransferdigittimeout = 8\n",
        "voicemail": "[default](+)\n" + "".join(f"{box} => ,Agent {box}\n" for box in BOXES) + MORE_BOXES,
        "musiconhold": "[default](+)\ndirectory = sounds/en/digits\n",
    }
    for name, text in own.items():
        (site / f"{name}.conf").write_text(text)
    if ports.chan_sip is not None:
        (etc / "sip.conf").write_text(_chan_sip(ports, ports.chan_sip))
    (etc / "confbridge.conf").write_text("[general]\n")
    (etc / "followme.conf").write_text(FOLLOW_ME)
    (etc / "agents.conf").write_text("".join(f"[{agent}]\nfullname = Agent {agent}\n" for agent in AGENTS))
    # Asterisk reads this file before it knows its own directories: the include must be absolute.
    (etc / "lab.conf").write_text(f"{directories}#include {etc_inside}/asterisk.conf\n")


def _manager(ports: Ports, secrets: Secrets) -> str:
    return (
        f"[general](+)\nport = {ports.ami}\nbindaddr = {HOME}\n"
        f"[callmon](+)\nsecret = {secrets.callmon}\n"
        f"[callmon-old]\nsecret = {secrets.callmon}\n{_old_filter()}"
        f"[witness]\nsecret = {secrets.witness}\nread = all\nwrite = all\nwritetimeout = 10000\n"
        f"[desk]\nsecret = {secrets.desk}\nread = call\nwrite = call,originate\nwritetimeout = 10000\n"
        "eventfilter = ^Event: (Newchannel|Hangup|Hold|ParkedCall)[[:space:]]\n"
    )


VOICEMAIL_ALONE = "eventfilter = ^Event: Newexten[[:space:]].*[[:space:]]Application: VoiceMail[[:space:]]"


def _old_filter() -> str:
    """The shipped user before it heard of ringing: of all dialplan steps it receives VoiceMail alone."""
    lines = (SHIPPED / "manager.conf").read_text().partition("[callmon]")[2].splitlines()
    kept = [
        line for line in lines if "=" in line and not line.startswith((";", "secret")) and "Newexten" not in line
    ]
    return "\n".join((*kept, VOICEMAIL_ALONE, ""))


def _pjsip(ports: Ports, secrets: Secrets) -> str:
    lines = [f"[transport-udp](+)\nbind = {HOME}:{ports.sip}"]
    # Asterisk starts before the trunk's far end, and asks it at a random moment of this time.
    # A day: it finds the far end away only when a test asks (`pjsip qualify`).
    lines.append("[trunk](+type=aor)\nqualify_frequency = 86400")
    lines.append(f"contact = sip:{TRUNK_ADDRESS}:{ports.trunk}")
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
    for group, members in GROUPS.items():
        own = f"call_group = {group}\npickup_group = {group}"
        lines += [f"[{number}](+type=endpoint)\n{own}" for number in members]
    lines.append(LOOP.format(home=HOME, port=ports.sip))
    return "\n".join(lines) + "\n"


def _modules(ports: Ports) -> Iterable[str]:
    return MODULES if ports.chan_sip is None else (*MODULES, *MODULES_UNTIL_20, "chan_sip")


def _chan_sip(ports: Ports, own: int) -> str:
    """Phones and a trunk of the old driver, at the addresses of the new driver's; they do not register."""
    media = "directmedia = no\ndisallow = all\nallow = ulaw\ndtmfmode = info\nqualify = no"
    general = (
        f"[general]\nudpbindaddr = {HOME}:{own}\nallowguest = no\nsrvlookup = no\ncontext = internal\n{media}"
    )
    trunk = (
        f"[sip-trunk]\ntype = peer\nhost = {TRUNK_ADDRESS}\nport = {ports.trunk}\ncontext = from-trunk\n{media}"
    )
    phones = (
        f"[{number}]\ntype = friend\nhost = {HOME}\nport = {ports.phones}\ndefaultuser = {number}\n"
        f"callerid = Agent {number} <{number}>\n{media}"
        for number in PHONES_OF_CHAN_SIP
    )
    return "\n".join((general, trunk, *phones)) + "\n"


def _queues() -> str:
    by_phone = {name: [f"PJSIP/{number}" for number in members] for name, members in QUEUES.items()}
    ringing = "".join(_queue(f"ringing-{n}", [f"PJSIP/{n}"]) + "timeout = 30\n" for n in PHONES_OF_RINGING)
    return ringing + "".join(_queue(name, members) for name, members in (by_phone | LOCAL_QUEUES).items())


def _queue(name: str, members: Iterable[str]) -> str:
    rows = "".join(f"member => {member},0,Agent {member}\n" for member in members)
    return f"[{name}](line-queue)\n{QUEUE_SETTINGS.get(name, '')}{rows}"
