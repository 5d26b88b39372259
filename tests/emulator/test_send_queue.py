"""In which order, from when and until when frames are sent to a client."""

import pytest

from webpubsub.emulator._clients.queue import LARGEST_QUEUE, LONGEST_QUEUE, SendQueue
from webpubsub.emulator._hub.messages import Close, Outgoing, Send

END = Close(1000)


def filled(*outgoing: Outgoing) -> SendQueue:
    """Put everything at the time 100."""
    queue = SendQueue(0.5)
    assert all(queue.put(item, 100.0) for item in outgoing)
    return queue


def test_frames_come_out_as_they_went_in() -> None:
    """Order is kept, and the end comes last."""
    frames: list[Outgoing] = [Send("a"), Send(b"b"), Send("c"), END]
    queue = filled(*frames)

    assert [queue.take(100.0) for _ in range(5)] == [*frames, None]


def test_nothing_is_accepted_after_the_end() -> None:
    """What is put after the end is dropped without complaint."""
    queue = filled(END)

    assert queue.put(Send("late"), 100.0)
    assert queue.put(Close(1011), 100.0)
    assert (queue.ended, queue.take(100.0), queue.take(100.0)) == (True, END, None)


def test_an_acknowledgement_is_held_back() -> None:
    """Its time comes a little later, and what is behind it waits too."""
    queue = filled(Send("message"), Send("ack", is_ack=True), Send("next"))

    taken = [queue.take(now) for now in (100.0, 100.0, 100.25, 100.5, 100.5)]

    assert taken == [Send("message"), 0.5, 0.25, Send("ack", is_ack=True), Send("next")]


@pytest.mark.parametrize(("expires_at", "now", "sent"), [(105, 104.9, True), (105, 105.0, False), (None, 1e9, True)])
def test_a_message_is_dropped_when_its_time_is_over(expires_at: float | None, now: float, sent: bool) -> None:
    """It is not sent from then on; without a time it waits for ever."""
    message = Send("a", expires_at=expires_at)
    queue = filled(message, Send("b"))

    assert queue.take(now) == (message if sent else Send("b"))


def test_the_number_of_waiting_frames_is_limited() -> None:
    """One more than the limit is not accepted, until one is taken."""
    queue = filled(*[Send("")] * LONGEST_QUEUE)

    assert not queue.put(Send(""), 100.0)
    queue.take(100.0)
    assert queue.put(Send(""), 100.0)


def test_the_size_of_waiting_frames_is_limited() -> None:
    """Sizes add up, and are given back when a frame is taken or dropped."""
    half = Send(b"x" * (LARGEST_QUEUE // 2), expires_at=101)
    queue = filled(half, half)

    assert not queue.put(Send("x"), 100.0)
    assert queue.take(200.0) is None
    assert queue.put(half, 200.0)


def test_the_end_is_always_accepted() -> None:
    """A full queue can be ended."""
    queue = filled(*[Send("")] * LONGEST_QUEUE)

    assert queue.put(END, 100.0)


def test_an_emptied_queue_stays_empty() -> None:
    """Ending at once drops what waits."""
    queue = filled(Send("a"))

    queue.end()

    assert (queue.ended, queue.put(Send("b"), 100.0), queue.take(100.0)) == (True, True, None)
