"""Starting and stopping an emulator, in a thread and in the running loop."""

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.tables import every_row
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator
from webpubsub.emulator._emulator import _ServerThread
from webpubsub.emulator._server import Server
from webpubsub.emulator._settings import is_loopback


def is_healthy(endpoint: str) -> bool:
    """Ask whether something answers there."""
    try:
        return httpx.head(endpoint + "/api/health", timeout=5).status_code == 200
    except httpx.ConnectError:
        return False


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_it_serves_from_enter_to_exit() -> None:
    """A `with` block has a running emulator; afterwards neither port nor thread is left."""
    with Emulator() as emulator:
        endpoint = emulator.endpoint
        inside = is_healthy(endpoint), "webpubsub-emulator" in threads()

    assert inside == (True, True)
    assert not is_healthy(endpoint)
    assert "webpubsub-emulator" not in threads()


async def test_it_serves_in_the_running_loop() -> None:
    """An `async with` block needs no thread and leaves neither port nor task."""
    before = threads(), asyncio.all_tasks()

    async with Emulator() as emulator, httpx.AsyncClient() as http:
        endpoint = emulator.endpoint
        status = (await http.head(endpoint + "/api/health")).status_code
        inside = threads()

    assert (status, inside) == (200, before[0])
    assert asyncio.all_tasks() == before[1]
    assert not is_healthy(endpoint)


def test_it_says_how_to_reach_it() -> None:
    """Endpoint, port, key and connection string belong together."""
    with Emulator() as emulator:
        parsed = ConnectionString.parse(emulator.connection_string)

        assert emulator.endpoint == f"http://127.0.0.1:{emulator.port}"
        assert emulator.access_key == DEVELOPMENT_KEY
        assert (parsed.endpoint, parsed.access_key) == (emulator.endpoint, emulator.access_key)
        assert emulator.connection_string == f"Endpoint={emulator.endpoint};AccessKey={DEVELOPMENT_KEY};Version=1.0;"


def test_two_can_run_at_once() -> None:
    """Free ports differ."""
    with Emulator() as one, Emulator() as other:
        assert one.port != other.port
        assert is_healthy(one.endpoint)
        assert is_healthy(other.endpoint)


ACCESSES: list[Callable[[Emulator], object]] = [
    lambda emulator: emulator.endpoint,
    lambda emulator: emulator.port,
    lambda emulator: emulator.connection_string,
]


@pytest.mark.parametrize("access", ACCESSES)
def test_what_depends_on_the_port_needs_it_running(access: Callable[[Emulator], object]) -> None:
    """Before the start and after the stop there is no address to tell."""
    emulator = Emulator(port=8080)

    with pytest.raises(RuntimeError, match="not running"):
        access(emulator)
    with Emulator() as stopped:
        pass
    with pytest.raises(RuntimeError, match="not running"):
        access(stopped)


def test_starting_twice_is_an_error_and_stopping_twice_is_not() -> None:
    """A second start would lose the first; a second stop has nothing to do."""
    emulator = Emulator()
    emulator.start()
    try:
        with pytest.raises(RuntimeError, match="already"):
            emulator.start()
        assert is_healthy(emulator.endpoint)
    finally:
        emulator.stop()
    emulator.stop()


def test_it_can_be_started_again() -> None:
    """After a stop there can be another start."""
    emulator = Emulator()
    with emulator:
        pass
    with emulator:
        assert is_healthy(emulator.endpoint)


async def test_leaving_twice_is_leaving_once() -> None:
    """As a stack of contexts may do that closes what was closed by hand."""
    async with Emulator() as emulator:
        await emulator.__aexit__(None, None, None)

    assert repr(emulator) == "<Emulator not running>"


async def test_the_loop_that_runs_it_stops_it() -> None:
    """`stop` is for `start`: it would have to block the loop that serves."""
    async with Emulator() as emulator:
        with pytest.raises(RuntimeError, match="async with"):
            emulator.stop()


async def test_the_running_one_cannot_be_entered_again() -> None:
    """One object is one emulator, whichever way it was started."""
    async with Emulator() as emulator:
        with pytest.raises(RuntimeError, match="already"):
            emulator.start()
        with pytest.raises(RuntimeError, match="already"):
            async with emulator:
                pass


def test_a_taken_port_is_reported_to_the_caller() -> None:
    """The error of the socket arrives where the emulator was started, and another try is possible."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        emulator = Emulator(port=taken.getsockname()[1])

        with pytest.raises(OSError, match="in use"):
            emulator.start()
        with pytest.raises(OSError, match="in use"):
            emulator.start()


async def test_a_taken_port_is_reported_in_a_loop_too() -> None:
    """The same for `async with`."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with Emulator(port=taken.getsockname()[1]):
            pass


class Failing(Server):
    """A server that cannot start, or cannot stop."""

    def __init__(self, *, on_start: bool) -> None:
        self._on_start = on_start

    async def start(self) -> None:
        """Fail or do nothing."""
        if self._on_start:
            raise ConnectionError("start")

    async def stop(self) -> None:
        """Fail unless the start did."""
        if not self._on_start:
            raise ConnectionError("stop")


@pytest.mark.parametrize(
    ("host", "kind"), [("not.a.host", OSError), ("240.0.0.1", OSError), ("a..b", ValueError), ("x" * 300, ValueError)]
)
def test_a_host_that_cannot_be_listened_on_is_named(host: str, kind: type[Exception]) -> None:
    """One that nobody knows, one of another machine, and what cannot be the name of one."""
    with pytest.raises(kind, match=f"The emulator cannot listen on host '{host}', port 0: "):
        Emulator(host=host).start()


@pytest.mark.parametrize(("name", "kind"), [("none.json", FileNotFoundError), (".", IsADirectoryError)])
def test_a_config_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, kind: type[OSError]) -> None:
    """The argument, the reason and the path, as an error of the system that code can tell from others."""
    with pytest.raises(kind, match="config_file cannot be read: ") as raised:
        Emulator(config_file=tmp_path / name)

    assert raised.value.filename == str(tmp_path / name)


def test_a_config_file_with_a_name_that_no_file_can_have_is_named() -> None:
    """Not the error of some function of the system."""
    with pytest.raises(ValueError, match=r"^a\x00b: "):
        Emulator(config_file="a\0b")


def test_an_error_in_the_thread_reaches_the_caller() -> None:
    """What goes wrong while the server starts or stops is raised by the call that wanted it."""
    with pytest.raises(ConnectionError, match="start"):
        _ServerThread(Failing(on_start=True))
    running = _ServerThread(Failing(on_start=False))
    with pytest.raises(ConnectionError, match="stop"):
        running.stop()

    assert "webpubsub-emulator" not in threads()


def fail_inside(emulator: Emulator) -> None:
    with emulator:
        raise ConnectionError(emulator.endpoint)


def test_an_error_inside_the_block_is_not_swallowed() -> None:
    """The emulator stops, and the error goes on."""
    with pytest.raises(ConnectionError) as error:
        fail_inside(Emulator())

    assert not is_healthy(str(error.value))


def test_the_key_is_hidden() -> None:
    """`repr` shows where it listens and nothing secret."""
    with Emulator() as emulator:
        assert repr(emulator) == f"<Emulator {emulator.endpoint}>"
    assert repr(emulator) == "<Emulator not running>"


BAD_KEYS = ["", "x" * 31, "x" * 32 + ";", " " + "x" * 32, "x" * 32 + "\n", "x" * 32 + "\0y", "x" * 32 + "\x85y"]


@pytest.mark.parametrize("access_key", BAD_KEYS)
def test_an_unusable_key_is_refused(access_key: str) -> None:
    """Keys are as long as the service wants and fit into a connection string; errors do not show them."""
    with pytest.raises(ValueError, match="access key") as error:
        Emulator(access_key=access_key)

    assert not access_key or access_key not in str(error.value)


def test_a_key_is_measured_in_bytes() -> None:
    """Sixteen characters of two bytes each are enough."""
    assert Emulator(access_key="é" * 16).access_key == "é" * 16


def test_other_arguments_are_checked() -> None:
    """Ports and delays must be possible."""
    with pytest.raises(ValueError, match="port"):
        Emulator(port=65536)
    with pytest.raises(ValueError, match="port"):
        Emulator(port=-1)
    with pytest.raises(ValueError, match="ack_delay_seconds"):
        Emulator(ack_delay_seconds=-0.1)


HOSTS = [
    ("127.0.0.1", True),
    ("127.1.2.3", True),
    ("::1", True),
    ("localhost", True),
    ("0.0.0.0", False),
    ("::", False),
    ("", False),
    ("127.example.com", False),
    ("192.168.0.1", False),
]


@pytest.mark.parametrize(("host", "loopback"), HOSTS)
def test_loopback_is_recognized(host: str, loopback: bool) -> None:
    """Only hosts that surely keep the network out count as loopback."""
    assert is_loopback(host) == loopback


def test_a_host_that_may_let_the_network_in_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    """Anything not recognized as loopback is logged; this is another spelling of 127.0.0.1."""
    with Emulator(host="2130706433"):
        pass
    with Emulator():
        pass

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["The emulator listens on 2130706433: anyone who reaches this machine can use it."]


def test_unvalidated_tokens_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    """Each start says that anyone can make the tokens."""
    with Emulator(accept_unvalidated_entra_tokens=True):
        pass

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["The emulator accepts tokens for Microsoft Entra ID without validation: anyone can forge them."]


@pytest.mark.parametrize("host", [host for host, loopback in HOSTS if not loopback])
def test_unvalidated_tokens_stay_on_this_machine(host: str) -> None:
    """Where the network may come in, they are refused before anything is listened on."""
    with pytest.raises(ValueError, match=r"only where the host is 127\.0\.0\.1"):
        Emulator(host=host, accept_unvalidated_entra_tokens=True)


def test_the_server_is_imported_when_it_is_needed() -> None:
    """Importing the package does not import aiohttp, and without aiohttp the error names the extra."""
    program = (
        "import sys\n"
        "from webpubsub.emulator import Emulator\n"
        "assert 'aiohttp' not in sys.modules\n"
        "sys.modules['aiohttp'] = None\n"
        "try:\n"
        "    Emulator().start()\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)

    assert (result.stdout, result.stderr) == ("The emulator needs aiohttp: pip install 'webpubsub[emulator]'\n", "")


@every_row(
    ("options", "error", "said"),
    [
        ({"port": "x"}, TypeError, "port must be an int, not str"),
        ({"port": True}, TypeError, "port must be an int, not bool"),
        ({"history": "1"}, TypeError, "history must be an int, not str"),
        ({"history": -1}, ValueError, "history must be 0 or more; it was -1"),
        ({"seed": 1.5}, TypeError, "seed must be an int, not float"),
        ({"keep_alive_seconds": 0}, ValueError, "keep_alive_seconds must be positive, or None"),
        ({"request_seconds": 0}, ValueError, "request_seconds must be positive"),
        ({"anonymous_hubs": 3}, TypeError, "anonymous_hubs must be a list of str, not int"),
        ({"anonymous_hubs": [3]}, ValueError, r"anonymous_hubs must be names of hubs, or '\*' for all of them, not 3"),
        ({"anonymous_hubs": ["1"]}, ValueError, "anonymous_hubs must be names of hubs"),
        ({"anonymous_hubs": None}, TypeError, "anonymous_hubs must be a list of str, not NoneType"),
        ({"api_versions": 3}, TypeError, "api_versions must be a list of str, not int"),
        ({"config_file": 3}, TypeError, "config_file must be a str or a Path, not int"),
        ({"event_handlers": {1: "http://localhost"}}, TypeError, "A hub is named by a str, not by a value of type int"),
        ({"event_handlers": {"1": "http://localhost"}}, ValueError, "'1' is not the name of a hub"),
        ({"event_handlers": {"chat": 3}}, TypeError, "An event handler is a URL"),
        ({"event_listeners": {"chat": "x"}}, TypeError, "An event listener is an EventListener, not str"),
        ({"prot": 8080}, TypeError, r"Emulator\(\) has no argument 'prot': did you mean 'port'\?"),
        ({"timeout": 1}, TypeError, r"Emulator\(\) has no argument 'timeout': it takes host, port, "),
        ({"access_key": 3}, TypeError, "access_key must be a str, not int"),
        ({"secondary_access_key": b"k" * 32}, TypeError, "secondary_access_key must be a str, not bytes"),
        ({"host": 3}, TypeError, "host must be a str, not int"),
        ({"tls": "yes"}, TypeError, "tls must be True or False, not 'yes'"),
        (
            {"keep_alive_seconds": float("nan")},
            ValueError,
            "keep_alive_seconds must be a number",
        ),
        ({"request_seconds": "1"}, TypeError, "request_seconds must be a number of seconds, not str"),
        ({"api_versions": ["x y"]}, ValueError, "'x y' is none"),
        ({"event_handlers": "http://localhost"}, TypeError, "event_handlers must map names of hubs, not be a str"),
        ({"event_listeners": []}, TypeError, "event_listeners must map names of hubs, not be a list"),
    ],
)
def test_an_option_of_another_kind_is_named(options: dict[str, Any], error: type[Exception], said: str) -> None:
    """At construction, in a sentence."""
    with pytest.raises(error, match=said):
        Emulator(**options)


def test_every_option_can_be_given() -> None:
    """Hubs by name and all of them, no pings, any version, no history."""
    with Emulator(anonymous_hubs=["chat", "*"], keep_alive_seconds=None, api_versions=None, history=0) as emulator:
        with emulator.connect("chat"):
            assert len(emulator.hub("chat").connections) == 1
        assert emulator.hub("chat").messages == []


def test_one_more_api_version_may_be_a_str() -> None:
    """It is not taken apart into characters."""
    with Emulator(api_versions="2030-01-01") as emulator:
        assert emulator.port
