"""Lets the marker `no_cover` switch coverage off, in the processes of pytest-xdist and for fixtures, too.

By itself it does so for the call of a test only. In a process of pytest-xdist not even that: pytest-cov starts to
measure when the process reads its options, starts once more when its session begins, and a test that is not to be
measured by the second is measured by the first, for nothing, at half the speed.
"""

import importlib
import pkgutil
from collections.abc import Generator
from typing import Any

import pytest

import webpubsub


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """End what a process of pytest-xdist began to measure before pytest-cov begins once more."""
    if hasattr(session.config, "workerinput") and (controller := _controller(session.config)):
        controller.cov.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Set up what a test needs that is not to be measured."""
    controller = _controller(item.config) if item.get_closest_marker("no_cover") else None
    if controller is None:
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


def _controller(config: pytest.Config) -> Any:
    """What pytest-cov measures with, None if it does not."""
    return getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None]:
    """Collect without measuring: what modules do when they are imported was measured before."""
    controller = _controller(session.config)
    if controller is None or not controller.started:
        return (yield)
    for module in pkgutil.walk_packages(webpubsub.__path__, "webpubsub."):
        if module.name != "webpubsub.__main__":  # which is the command, and would run
            importlib.import_module(module.name)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()
