"""A second process reads a long record and extracts its calls; this one judges and writes them meanwhile.

    files or a table ─▶ facts of whole calls, in the second process ─▶ a pipe ─▶ this process

The pipe holds what the second process reads while this one writes a transaction. It ends when this one ends.

Refuses: to share a connection of a database. A table is read by a connection that the second process opens.
"""

import fcntl
import signal
from collections.abc import Generator
from multiprocessing import get_context
from multiprocessing.connection import Connection

import msgspec

from callmon.backfill.imported.records import RecordReader, Texts
from callmon.core.facts import AnyFact, Fact
from callmon.errors import CallmonError, StoreError
from callmon.store.bulk import chunks

AT_ONCE = 100  # calls of one message
PIPE_BYTES = 1 << 20  # a pipe of 64 KiB holds no whole message: the processes would wait for each other
COUNTED = ("lines", "unfinished", "without_line", "errors")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, list[list[AnyFact]]]).decode


def read_ahead(reader: RecordReader, texts: Texts) -> Generator[list[Fact]]:
    """The facts of each call, as `reader.whole_calls` gives them. Raises what it raises, and StoreError."""
    receiving, sending = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_read, args=(reader, texts, receiving, sending), daemon=True)
    process.start()
    fcntl.fcntl(receiving, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    sending.close()
    try:
        while isinstance(message := receiving.recv(), bytes):
            reader.lines, calls = _decode(message)
            yield from (list[Fact](facts) for facts in calls)
    except (EOFError, OSError):  # between two messages, or within one
        raise StoreError("The process that reads the record was ended; run the same import again.") from None
    finally:
        receiving.close()
        process.terminate()
        process.join()
    if isinstance(message, CallmonError):
        raise message
    for name, value in message.items():
        setattr(reader, name, value)


def _read(reader: RecordReader, texts: Texts, receiving: Connection, sending: Connection) -> None:
    """In the second process. Ends by BrokenPipeError, without a word, when the first has ended."""
    receiving.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process is interrupted, and ends this one
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        for some in chunks(reader.whole_calls(texts), AT_ONCE):
            sending.send(_encode((reader.lines, some)))
        sending.send({name: getattr(reader, name) for name in COUNTED})
    except CallmonError as error:
        sending.send(error)
