"""TLS to an MQTT broker, and its connection errors as sentences that name the person who can act."""

import socket
import ssl

from callmon.config.mqtt import MqttSettings
from callmon.errors import ConfigError


def tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """Certificate and host name are always verified; a client certificate is sent when one is configured."""
    if not settings.tls:
        return None
    context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    if settings.client_certificate is not None:
        key = str(settings.client_key) if settings.client_key else None
        context.load_cert_chain(str(settings.client_certificate), key)
    return context


def is_refused(error: Exception | None) -> bool:
    """Whether the broker refused the login: a retry within seconds has no chance."""
    return type(error).__name__ == "MqttConnectError"


def sentence(settings: MqttSettings, error: BaseException) -> str:
    """What went wrong with a connection, and what the administrator can do."""
    where = f"mqtt: {settings.host}:{settings.port}"
    why = error.__context__ if isinstance(error.__context__, OSError) else error  # the library hides the cause
    match why:
        case ConfigError():
            return str(why)
        case ssl.SSLCertVerificationError():
            return (
                f"{where} shows a certificate that is not accepted for {settings.host!r} ({why.verify_message}); "
                "write host as the certificate names it, set ca_file, or renew the certificate."
            )
        case ssl.SSLError():
            return f"{where} speaks no TLS as it should ({why.reason}); check port, tls and client_certificate."
        case ConnectionRefusedError():
            return f"{where} cannot be reached: nothing listens there; check that the broker runs."
        case socket.gaierror():
            return f"mqtt: the host name {settings.host!r} cannot be resolved; check host."
        case TimeoutError():
            return f"{where} does not answer; check host, port and the firewall."
        case FileNotFoundError() | PermissionError():
            return (
                f"mqtt: a file of its certificates cannot be read ({why.strerror}); "
                "check ca_file, client_certificate and client_key."
            )
        case OSError():
            return f"{where} cannot be reached ({why.strerror or why})."
    if is_refused(why if isinstance(why, Exception) else None):
        return f"{where} refuses the login ({_code(why)}); check username, password and client_id."
    if type(why).__name__ in ("MqttError", "MqttCodeError"):
        return (
            f"{where} ended the connection; if it does so again and again, another client has the "
            f"client_id {settings.client_id!r}."
        )
    return f"{where}: internal error ({type(why).__name__}); retrying."


def _code(error: BaseException) -> str:
    """`[code:135] Not authorized` → `Not authorized`."""
    return str(error).partition("] ")[2] or str(error)
