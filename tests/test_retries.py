"""`RetryPolicy`: its defaults and its limits."""

import pickle

import pytest

from webpubsub import ConfigurationError, RetryPolicy


def test_the_defaults_are_these() -> None:
    """Four tries within a minute; a POST that may have had an effect is not repeated."""
    assert RetryPolicy() == RetryPolicy(
        attempts=4, total_seconds=60, base_delay_seconds=0.8, maximum_delay_seconds=20, retry_sends=False
    )
    assert RetryPolicy.none() == RetryPolicy(attempts=1)


REFUSED: list[tuple[dict[str, object], type[Exception]]] = [
    ({"attempts": 0}, ConfigurationError),
    ({"attempts": -1}, ConfigurationError),
    ({"attempts": 1.5}, TypeError),
    ({"attempts": True}, TypeError),
    ({"total_seconds": 0}, ConfigurationError),
    ({"total_seconds": 241}, ConfigurationError),
    ({"total_seconds": float("nan")}, ConfigurationError),
    ({"base_delay_seconds": -0.1}, ConfigurationError),
    ({"base_delay_seconds": float("nan")}, ConfigurationError),
    ({"maximum_delay_seconds": -1}, ConfigurationError),
    ({"maximum_delay_seconds": "1"}, TypeError),
    ({"total_seconds": None}, TypeError),
    ({"total_seconds": True}, TypeError),
    ({"retry_sends": "no"}, TypeError),
]


@pytest.mark.parametrize(("arguments", "error"), REFUSED)
def test_a_policy_that_cannot_be_carried_out_is_refused(arguments: dict[str, object], error: type[Exception]) -> None:
    """The error names the argument."""
    with pytest.raises(error, match=next(iter(arguments))):
        RetryPolicy(**arguments)  # type: ignore[arg-type]


def test_a_policy_is_a_value() -> None:
    """It cannot be changed, and equal ones are interchangeable."""
    policy = RetryPolicy(attempts=2)

    with pytest.raises(AttributeError):
        policy.attempts = 3  # type: ignore[misc]
    assert {policy, RetryPolicy(attempts=2)} == {policy}
    assert pickle.loads(pickle.dumps(policy)) == policy
