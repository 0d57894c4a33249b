"""Threads for work that blocks on a peer: a server, a file, a lock. The process ends although one still waits.

`concurrent.futures` and asyncio wait at the end of the process until each of their threads has ended. A server
that never answers would then hold a daemon that was told to stop.

Refuses: to wait longer than `LAST_SECONDS` for what still runs at the end.
"""

import ctypes
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
LAST_SECONDS = 3.0  # for what is nearly done: the answer of a mail server to a message
M_ARENA_MAX = -8  # of mallopt(3)


def share_one_heap() -> None:
    """All threads allocate from one heap. glibc otherwise makes one for each, and keeps what is free in each."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # other C libraries have none
        library.mallopt(M_ARENA_MAX, 1)


class BlockingThreads(ThreadPoolExecutor):
    """At most `most` threads, begun when they are needed. asyncio takes it as the default executor of a loop."""

    def __init__(self, most: int, name: str) -> None:
        super().__init__(most, name)  # begins no thread
        self._most, self._name = most, name
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._count = self._unfinished = 0  # threads; calls
        self._is_over, self._changed = False, Condition()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._changed:
            if self._is_over:
                raise RuntimeError("the threads have been shut down")
            self._unfinished += 1
            self._calls.put((future, partial(fn, *args, **kwargs)))
            if self._unfinished > self._count < self._most:
                self._count += 1
                Thread(target=self._work, name=f"{self._name} {self._count}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls. `wait`: for those that run, `LAST_SECONDS` at most."""
        with self._changed:
            self._is_over = True
            if cancel_futures:
                self._cancel_waiting()
            for _ in range(self._count):
                self._calls.put(None)
            if wait:
                self._changed.wait_for(lambda: not self._unfinished, LAST_SECONDS)

    def _cancel_waiting(self) -> None:
        with suppress(Empty):
            while True:
                call = self._calls.get_nowait()
                if call is not None:
                    call[0].cancel()
                    self._unfinished -= 1

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            _finish(*call)
            del call  # an idle thread keeps no result alive
            with self._changed:
                self._unfinished -= 1
                self._changed.notify_all()


def _finish(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
