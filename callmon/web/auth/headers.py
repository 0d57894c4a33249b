"""The security headers of every answer: nothing inline, nothing from other hosts, no framing, no caching."""

from starlette.datastructures import MutableHeaders

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# An endpoint that sets its own Cache-Control (a style sheet) keeps it.
UNLESS_SAID = {"Cache-Control": "no-store"}
HSTS = "max-age=31536000"  # one year, as browsers' preload lists require; sent only over TLS


def put(headers: MutableHeaders, is_https: bool) -> None:
    for name, value in ALWAYS.items():
        headers[name] = value
    for name, value in UNLESS_SAID.items():
        headers.setdefault(name, value)
    if is_https:
        headers["Strict-Transport-Security"] = HSTS
