"""Why an exchange could not be asked, as complaints: the network, TLS, the login. Pure."""

from callmon.config.exchange import ExchangeSettings
from callmon.tools.doctor.finding import OURS, DoctorFinding
from callmon.tools.doctor.questions import ExchangeAnswers

EITHER_FILE = "manager.conf (on FreePBX: manager_custom.conf)"
EITHER_THEN = "asterisk -rx 'manager reload' (on FreePBX: fwconsole reload)"
LOG = (
    "Asterisk gives one answer to a wrong password, an unknown user and an address outside permit. "
    "Asterisk's own log (on FreePBX /var/log/asterisk/full, else messages) says which: `failed to authenticate "
    "as` is the password, `tried to authenticate with nonexistent user` the user, `failed to pass IP ACL as` the "
    "address. Correct it before the next attempt: after repeated failures fail2ban blocks callmon. If the user "
    "does not exist yet:"
)
LOOK = "Check host, port, and the firewalls in between."

# Failures before any question: the fault, its reason, and the lines for callmon's own configuration.
_OURS: dict[str, tuple[str, str, str]] = {
    "name": (
        "the host name {host!r} cannot be resolved.",
        "Write a name that this machine resolves, or the address.",
        'host = "…"',
    ),
    "not_ami": (
        "{where} is not an Asterisk manager interface.",
        "Its greeting is not `Asterisk Call Manager`. The usual port of AMI is 5038, with TLS 5039.",
        "port = 5038",
    ),
    "no_greeting": (
        "{where} accepted the connection but sent no greeting.",
        "The port may expect TLS, too many connections may wait for a login (authlimit), or a firewall may "
        "block callmon.",
        "tls = true",
    ),
    "tls_name": (
        "the certificate of {where} is not for {expected!r}.",
        "{text} Write the name of the certificate, or have a certificate issued for this name.",
        'server_name = "…"',
    ),
    "tls_certificate": (
        "the certificate of {where} is not from a trusted authority.",
        "{text} Name the file of its certificate authority, or renew the certificate.",
        'ca_file = "/etc/callmon/ca.pem"',
    ),
    "tls_file": (
        "a file that TLS needs cannot be read.",
        "{text} Check ca_file, client_certificate and client_key.",
        'ca_file = "…"',
    ),
    "line_break": ("it cannot be contacted.", "{text}", 'username = "callmon"'),
    "silent": ("{where} does not answer.", LOOK, 'host = "…"'),
    "hung": ("{where} does not complete its answers.", LOOK, 'host = "…"'),
    "unreachable": ("{where} cannot be reached.", "{text} " + LOOK, 'host = "…"'),
    "ended": ("{where} closed the connection.", "{text} " + LOOK, 'host = "…"'),
}


def failed(name: str, exchange: ExchangeSettings, answers: ExchangeAnswers) -> DoctorFinding:
    """The one complaint that is made if nothing could be asked."""
    where = f"{exchange.host}:{exchange.port}"
    match answers.failure:
        case "refused":
            what = f"the login of {exchange.username!r} is refused."
            return _theirs(name, what, LOG, *_user(exchange, answers.us))
        case "closed" if exchange.tls:
            what = f"nothing listens at {where}, the address of AMI over TLS."
            return _theirs(name, what, "Check that Asterisk runs, with TLS enabled for AMI.", *_tls(exchange.port))
        case "closed":
            lines = ("[general](+)", "enabled = yes", f"port = {exchange.port}")
            return _theirs(
                name, f"nothing listens at {where}.", "Check that Asterisk runs, with AMI at that port.", *lines
            )
        case "tls":
            return _theirs(
                name, f"{where} speaks no TLS.", "AMI offers TLS at a separate port.", *_tls(exchange.port)
            )
        case kind if kind in _OURS:
            what, why, line = _OURS[kind]
            text = f"{answers.text.rstrip('.')}." if answers.text else ""
            said = {"where": where, "host": exchange.host, "text": text}
            said["expected"] = exchange.server_name or exchange.host
            ours = (f"[exchanges.{name}]", line)
            return DoctorFinding(name, "error", what.format(**said), why.format(**said).strip(), OURS, ours)
    return DoctorFinding(
        name, "error", "doctor has an internal error.", f"{answers.text or answers.failure}. Please report it."
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
