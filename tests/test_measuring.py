"""Tests that are not to be measured run at full speed: no tracer runs, in whichever process they do."""

import sys

import pytest

pytestmark = pytest.mark.no_cover


@pytest.fixture(scope="module")
def tracer_of_fixtures() -> object:
    """What follows each line of this fixture."""
    return sys.gettrace()


def test_what_is_not_measured_is_not_traced(tracer_of_fixtures: object) -> None:
    """Neither a test nor what its module sets up, also where pytest-cov measures in processes of pytest-xdist."""
    assert (tracer_of_fixtures, sys.gettrace()) == (None, None)
