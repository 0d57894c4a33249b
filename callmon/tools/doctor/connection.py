"""Why an exchange could not be asked, as complaints: the network, TLS, the login. Pure."""

from callmon.config.exchange import ExchangeSettings
from callmon.tools.doctor.finding import OURS, DoctorFinding
from callmon.tools.doctor.questions import ExchangeAnswers

EITHER_FILE = "manager.conf (on FreePBX: manager_custom.conf)"
EITHER_THEN = "asterisk -rx 'manager reload' (on FreePBX: fwconsole reload)"
LOG = (
    "A wrong password, an unknown user and an address that permit does not allow look the same from here. "
    "Asterisk's own log (on FreePBX /var/log/asterisk/full, else messages) says which: `failed to authenticate "
    "as` is the password, `tried to authenticate with nonexistent user` the user, `failed to pass IP ACL as` the "
    "address. Mend it before trying again: the fail2ban of a PBX bans whoever fails too often. If there is no "
    "such user yet:"
)
LOOK = "Look at host, port, and the firewalls in between."

# Failures before any question: the fault, its reason, and the lines for callmon's own configuration.
_OURS: dict[str, tuple[str, str, str]] = {
    "name": (
        "the host name {host!r} cannot be resolved.",
        "Write a name that is known here, or its address.",
        'host = "…"',
    ),
    "not_ami": (
        "what answers at {where} is no Asterisk manager interface.",
        "It said something else than `Asterisk Call Manager`. AMI's usual port is 5038, with TLS 5039.",
        "port = 5038",
    ),
    "no_greeting": (
        "{where} took the connection and said nothing.",
        "Perhaps it expects TLS there; or too many connections wait for a login (authlimit), or a firewall lets "
        "nobody through.",
        "tls = true",
    ),
    "tls_name": (
        "the certificate of {where} is not for {expected!r}.",
        "{text} Say the name that stands in the certificate, or have one made for this name.",
        'server_name = "…"',
    ),
    "tls_certificate": (
        "nobody whom we trust vouches for the certificate of {where}.",
        "{text} Name the file of who signed it, or renew it.",
        'ca_file = "/etc/callmon/ca.pem"',
    ),
    "tls_file": (
        "a file that TLS needs cannot be read.",
        "{text} Look at ca_file, client_certificate and client_key.",
        'ca_file = "…"',
    ),
    "line_break": ("it cannot be asked.", "{text}", 'username = "callmon"'),
    "silent": ("{where} does not answer.", LOOK, 'host = "…"'),
    "hung": ("{where} does not answer to the end.", LOOK, 'host = "…"'),
    "unreachable": ("{where} cannot be reached.", "{text} " + LOOK, 'host = "…"'),
    "ended": ("{where} hung up on us.", "{text} " + LOOK, 'host = "…"'),
}


def failed(name: str, exchange: ExchangeSettings, answers: ExchangeAnswers) -> DoctorFinding:
    """The one complaint that is made if nothing could be asked."""
    where = f"{exchange.host}:{exchange.port}"
    match answers.failure:
        case "refused":
            what = f"the login of {exchange.username!r} is refused."
            return _theirs(name, what, LOG, *_user(exchange, answers.us))
        case "closed" if exchange.tls:
            what = f"nothing listens at {where}, where AMI over TLS was expected."
            return _theirs(name, what, "Is Asterisk up, and TLS on for AMI?", *_tls(exchange.port))
        case "closed":
            lines = ("[general](+)", "enabled = yes", f"port = {exchange.port}")
            return _theirs(name, f"nothing listens at {where}.", "Is Asterisk up, and AMI at that port?", *lines)
        case "tls":
            return _theirs(
                name, f"{where} speaks no TLS.", "AMI has it at a port of its own.", *_tls(exchange.port)
            )
        case kind if kind in _OURS:
            what, why, line = _OURS[kind]
            text = f"{answers.text.rstrip('.')}." if answers.text else ""
            said = {"where": where, "host": exchange.host, "text": text}
            said["expected"] = exchange.server_name or exchange.host
            ours = (f"[exchanges.{name}]", line)
            return DoctorFinding(name, "error", what.format(**said), why.format(**said).strip(), OURS, ours)
    return DoctorFinding(
        name, "error", "doctor itself failed.", f"{answers.text or answers.failure}. Please report it."
    )


def _theirs(name: str, what: str, why: str, *lines: str) -> DoctorFinding:
    return DoctorFinding(name, "error", what, why, EITHER_FILE, lines, EITHER_THEN)


def _user(exchange: ExchangeSettings, us: str) -> tuple[str, ...]:
    """The whole user section, without its secret."""
    return (
        f"[{exchange.username}]",
        f"; secret = what {exchange.secret_source().source()} holds",
        "deny = 0.0.0.0/0.0.0.0",
        f"permit = {us}/{'128' if ':' in us else '255.255.255.255'}",
        "read = call,agent,user,system,dialplan",
        "write = reporting",
        "writetimeout = 10000",
    )


def _tls(port: int) -> tuple[str, ...]:
    certificate = "tlscertfile = /etc/asterisk/keys/asterisk.pem"
    return ("[general](+)", "tlsenable = yes", f"tlsbindaddr = 0.0.0.0:{port}", certificate)
