"""What every answer tells the browser: nothing inline, nothing from elsewhere, in no frame, kept nowhere."""

from __future__ import annotations

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
# An endpoint that says itself how long its answer may be kept (a style sheet) is left alone.
UNLESS_SAID = {"Cache-Control": "no-store"}
HSTS = "max-age=31536000"  # a year, as browsers' own lists want it; said only over TLS


def put(headers: MutableHeaders, is_https: bool) -> None:
    for name, value in ALWAYS.items():
        headers[name] = value
    for name, value in UNLESS_SAID.items():
        headers.setdefault(name, value)
    if is_https:
        headers["Strict-Transport-Security"] = HSTS
