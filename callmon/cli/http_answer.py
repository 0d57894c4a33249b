"""The answer of a server to a command, as a terminal may show it: bounded in size and time, no control characters.

Another program may answer at that address. Refuses: an answer of more than `MOST_BYTES`, or not whole in time.
"""

import urllib.error
import urllib.request
from concurrent.futures import TimeoutError as LateError

from callmon.threads import BlockingThreads

MOST_BYTES = 1 << 20
LONGEST_REASON = 200  # characters


def plain(text: str) -> str:
    """Without characters that a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in text)


def answer_of(
    request: urllib.request.Request, seconds: float, *handlers: urllib.request.BaseHandler
) -> tuple[int, str, bytes]:
    """Status, reason and body, also of a refusal. Raises OSError."""
    threads = BlockingThreads(1, "http")  # a server that says a byte now and then meets no time-out of a socket
    try:
        return threads.submit(_read, request, seconds, *handlers).result(seconds)
    except LateError:
        raise TimeoutError("timed out") from None
    finally:
        threads.shutdown(wait=False)


def _read(
    request: urllib.request.Request, seconds: float, *handlers: urllib.request.BaseHandler
) -> tuple[int, str, bytes]:
    try:
        answer = urllib.request.build_opener(*handlers).open(request, timeout=seconds)
    except urllib.error.HTTPError as refusal:
        answer = refusal
    with answer:
        body = answer.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise OSError("the answer is too long")
        return answer.status, plain(answer.reason)[:LONGEST_REASON], body
