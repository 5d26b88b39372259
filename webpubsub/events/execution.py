"""Where functions run: coroutines on an event loop, others in threads, those nobody waits for in the background.

In the background, functions of one connection run one after another, in the order of their events, so that no
`disconnected` overtakes its `connected`. Different connections do not wait for each other.
"""

import asyncio
import inspect
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeAlias

from .acceptance import logger

__all__ = ["Execution", "Job", "is_asynchronous"]

Job: TypeAlias = Callable[[], object]
"""A function without arguments, or a coroutine function; for the background, one that raises nothing."""


class Execution:
    """Runs functions for one handler. Threads and loop are made when first needed, in each process its own."""

    def __init__(self, threads: int) -> None:
        """Run at most so many functions in threads at once."""
        self._threads = threads
        self._after_call: list[Callable[[], None]] = []
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._counted = _Counted(self._changed)
        self._waiting: dict[str, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._loop: _LoopThread | None = None

    def after_call(self, function: Callable[[], None]) -> None:
        """Have something done in a thread of ours after each function that ran there."""
        if function not in self._after_call:
            self._after_call.append(function)

    async def call(self, job: Job) -> object:
        """Run a function and wait for it, without holding up the running loop."""
        self._check_process()
        with self._counted:
            if is_asynchronous(job):
                return await _awaited(job())
            loop = asyncio.get_running_loop()
            context = copy_context()
            result = await loop.run_in_executor(self._workers(), lambda: context.run(self._call_in_worker, job))
            return await _awaited(result)

    def call_blocking(self, job: Job) -> object:
        """Run a function and wait for it in this thread; a coroutine runs on a loop of our own."""
        self._check_process()
        with self._counted:
            result = job()
            return self._own_loop().run(result) if inspect.isawaitable(result) else result

    def start(self, key: str, job: Job) -> None:
        """Run a function in the background of the running loop, after all others of the same key."""
        if self._enqueue(key, job):
            task = asyncio.get_running_loop().create_task(self._work_off(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def start_blocking(self, key: str, job: Job) -> None:
        """Run a function in the background, in a thread, after all others of the same key."""
        if self._enqueue(key, job):
            self._workers().submit(copy_context().run, self._work_off_blocking, key)

    async def finish(self, key: str) -> None:
        """Wait until nothing of a key runs in the background any more."""
        await asyncio.to_thread(self._wait_for, lambda: key not in self._waiting)

    async def aclose(self) -> None:
        """Wait until nothing runs any more, and end the threads."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Wait until nothing runs any more, and end the threads. The next call makes new ones."""
        self._check_process()
        self._wait_for(lambda: not self._counted.running and not self._waiting)
        with self._changed:
            pool, self._pool = self._pool, None
            loop, self._loop = self._loop, None
        if pool is not None:
            pool.shutdown()
        if loop is not None:
            loop.stop()

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(condition)

    def _check_process(self) -> None:
        if self._process != os.getpid():
            self._begin()

    def _workers(self) -> ThreadPoolExecutor:
        with self._changed:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="webpubsub-events")
            return self._pool

    def _own_loop(self) -> "_LoopThread":
        with self._changed:
            if self._loop is None:
                self._loop = _LoopThread()
            return self._loop

    def _call_in_worker(self, job: Job) -> object:
        try:
            return job()
        finally:
            for function in self._after_call:
                try:
                    function()
                except Exception:
                    # What the handler returned is good all the same.
                    logger.exception("What is done after each function failed.")

    def _enqueue(self, key: str, job: Job) -> bool:
        self._check_process()
        with self._changed:
            busy = key in self._waiting
            self._waiting.setdefault(key, deque()).append(job)
            return not busy

    def _next(self, key: str) -> Job | None:
        with self._changed:
            queue = self._waiting[key]
            if queue:
                return queue.popleft()
            del self._waiting[key]
            self._changed.notify_all()
            return None

    async def _work_off(self, key: str) -> None:
        try:
            while (job := self._next(key)) is not None:
                await self.call(job)
        except BaseException:
            self._give_up(key)
            raise

    def _work_off_blocking(self, key: str) -> None:
        try:
            while (job := self._next(key)) is not None:
                with self._counted:
                    result = self._call_in_worker(job)
                    if inspect.isawaitable(result):
                        self._own_loop().run(result)
        except BaseException:
            self._give_up(key)
            raise

    def _give_up(self, key: str) -> None:
        with self._changed:
            left = self._waiting.pop(key)
            self._changed.notify_all()
        logger.error("The handling of events of a connection was broken off; %d more were not begun.", len(left))


class _Counted:
    """Counts what runs, for those who wait until nothing does. A class, because generators take five times as long."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.running = 0

    def __enter__(self) -> None:
        with self._changed:
            self.running += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self.running -= 1
            self._changed.notify_all()


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="webpubsub-events-loop", daemon=True)
        self._thread.start()

    def run(self, awaitable: Awaitable[object]) -> object:
        """Wait in this thread for something that is awaited on the loop."""
        result, error = asyncio.run_coroutine_threadsafe(_kept(awaitable), self._loop).result()
        if error is not None:
            raise error
        return result

    def stop(self) -> None:
        """End the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()


def is_asynchronous(function: Callable[..., object]) -> bool:
    """Tell whether calling a function only makes a coroutine, so that it need not be called in a thread."""
    return inspect.iscoroutinefunction(function)


async def _awaited(value: object) -> object:
    return await value if inspect.isawaitable(value) else value


async def _kept(awaitable: Awaitable[object]) -> tuple[object, BaseException | None]:
    try:
        return await awaitable, None
    except (KeyboardInterrupt, SystemExit) as error:
        # Raised here, they would end the loop, and with it every other function.
        return None, error
