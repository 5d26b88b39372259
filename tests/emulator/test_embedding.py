"""An emulator inside of programs that do more: forks, threads, other loops, other emulators, ongoing traffic."""

import asyncio
import os
import threading
import traceback
from collections.abc import Callable

import pytest

from webpubsub import ConfigurationError, RetryPolicy, TransportError, WebPubSubServiceClient
from webpubsub.emulator import Emulator, RequestFault

pytestmark = pytest.mark.timeout(30)


def service_of(emulator: Emulator) -> WebPubSubServiceClient:
    return WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat")


def in_a_fork(work: Callable[[], object]) -> int:
    """Do something in a forked process, and return its exit code."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_two_emulators_have_nothing_to_do_with_each_other() -> None:
    """Neither messages nor time, nor what they remember."""
    with (
        Emulator() as one,
        Emulator() as other,
        service_of(one) as to_one,
        service_of(other) as to_other,
        one.connect("chat", user_id="ann") as ann,
        other.connect("chat", user_id="ann") as bob,
    ):
        to_one.send_to_user("ann", "one")
        to_other.send_to_user("ann", "other")
        one.clock.advance(100)

        assert (ann.receive().data, bob.receive().data) == ("one", "other")
        assert len(one.requests) == len(other.requests) == 1
        assert one.clock.now() - other.clock.now() > 99


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_reaches_the_emulator_of_its_parent() -> None:
    """By its connection string; what only the parent has is refused, and stopping stops nothing there."""

    def in_the_child() -> None:
        with service_of(emulator) as service:
            service.send_to_all("from the child")
        for refused in (
            lambda: emulator.connect("chat"),
            lambda: emulator.hub("chat"),
            lambda: emulator.requests,
            lambda: emulator.events,
            lambda: emulator.billing,
            lambda: emulator.faults.add(RequestFault(status=503)),
            lambda: emulator.wait_for(lambda: True),
            lambda: emulator.clock.advance(1),
            lambda: ann.receive(0),
            lambda: ann.join_group("room"),
            lambda: ann.wait_closed(0),
            lambda: ann.drop(),
        ):
            with pytest.raises(RuntimeError, match="forked from"):
                refused()
        ann.close()
        emulator.stop()
        with Emulator() as own, service_of(own) as service, own.connect("chat") as client:
            service.send_to_all("own")
            assert client.receive().data == "own"

    with Emulator() as emulator, emulator.connect("chat") as ann:
        assert in_a_fork(in_the_child) == 0

        assert ann.receive().data == "from the child"
        assert [message.data for message in emulator.hub("chat").messages] == ["from the child"]
        with service_of(emulator) as service:
            assert not service.group_exists("room")


async def test_blocking_calls_inside_of_a_loop_are_told_what_to_do() -> None:
    """Where the emulator runs in that loop; one with a thread of its own serves them."""
    with Emulator() as emulator, service_of(emulator) as service:
        service.send_to_all("fine")
    async with Emulator() as emulator:
        with service_of(emulator) as service, pytest.raises(ConfigurationError, match="with Emulator"):
            service.send_to_all("stuck")
        with pytest.raises(RuntimeError, match=r"async with emulator\.connect"):
            emulator.connect("chat").__enter__()
        with pytest.raises(RuntimeError, match="async with"):
            emulator.stop()


async def test_many_tasks_wait_while_others_move_the_clock() -> None:
    """More than there are threads for; what they wait for need not be written down anywhere."""
    async with Emulator() as emulator:
        late = emulator.clock.now() + 45
        waiting = [asyncio.create_task(emulator.wait_for_async(lambda: emulator.clock.now() > late)) for _ in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(*(asyncio.to_thread(emulator.clock.advance, 10) for _ in range(5)))

        await asyncio.gather(*waiting)


def test_a_condition_may_be_about_anything() -> None:
    """Not only about what the emulator writes down."""
    done = threading.Event()
    with Emulator() as emulator:
        threading.Timer(0.01, done.set).start()

        emulator.wait_for(done.is_set)


def test_stopping_does_not_wait_for_traffic() -> None:
    """Whoever is sending gets an error that they know, and clients of the test are closed."""
    emulator = Emulator()
    emulator.start()
    ends: list[BaseException] = []

    def send() -> None:
        with service_of(emulator) as service:
            try:
                while True:
                    service.send_to_all("more", retry_policy=RetryPolicy.none())
            except Exception as error:
                ends.append(error)

    with emulator.connect("chat") as ann:
        senders = [threading.Thread(target=send) for _ in range(3)]
        for sender in senders:
            sender.start()
        emulator.wait_for(lambda: len(emulator.requests) > 50)
        emulator.stop()
        for sender in senders:
            sender.join(10)

        assert ann.wait_closed() == ann.close_code == 1001
        assert len(ann.received) > 10
        with pytest.raises(RuntimeError, match="has stopped"):
            ann.receive()
        ann.drop()

    assert [type(end) for end in ends] == [TransportError] * 3


def test_an_emulator_that_stops_frees_whoever_moves_its_clock() -> None:
    """Its loop is gone, so nothing is due any more."""
    emulator = Emulator()
    emulator.start()
    alarms = emulator._running()._alarms
    emulator.stop()

    alarms._moved()

    assert not emulator.clock._listeners
