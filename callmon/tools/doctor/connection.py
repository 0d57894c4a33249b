"""Why an exchange could not be asked, as a finding: the network, TLS, the login. Pure."""

from callmon.config.exchange import ExchangeSettings
from callmon.tools.doctor.finding import DoctorFinding, finding, finding_texts
from callmon.tools.doctor.questions import READ, ExchangeAnswers


def failed(name: str, exchange: ExchangeSettings, answers: ExchangeAnswers) -> DoctorFinding:
    """The one finding that is made if nothing could be asked."""
    kind = "closed_tls" if answers.failure == "closed" and exchange.tls else answers.failure or ""
    text = answers.text
    if kind not in finding_texts()["connection"]:
        kind, text = "internal", text or kind
    return finding(
        f"connection.{kind}",
        exchange=name,
        where=f"{exchange.host}:{exchange.port}",
        host=exchange.host,
        port=exchange.port,
        user=exchange.username,
        secret_source=exchange.secret_source().source(),
        expected=exchange.server_name or exchange.host,
        us=answers.us,
        mask="128" if ":" in answers.us else "255.255.255.255",
        read=READ,
        text=f"{text.rstrip('.')}." if text else "",
    )
