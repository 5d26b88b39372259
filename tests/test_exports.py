"""The public surface: what can be imported, and that all of it is explained."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, get_args

import pytest

import webpubsub
import webpubsub.aio
import webpubsub.compat
import webpubsub.compat.aio
import webpubsub.emulator
import webpubsub.events
from webpubsub import GroupMember, ServiceError

from .support.tables import every_row

DOORS = [webpubsub, webpubsub.aio, webpubsub.compat, webpubsub.compat.aio, webpubsub.emulator, webpubsub.events]
PARTS = [
    "capacity",
    "connection_string",
    "credentials",
    "errors",
    "filters",
    "messages",
    "models",
    "options",
    "retries",
    "tokens",
]
TITLE_LENGTH = 72


def objects() -> Iterator[Any]:
    """Give every public class and function of the doors, and the public methods and properties of the classes."""
    for door in DOORS:
        for name in door.__all__:
            value = getattr(door, name)
            if inspect.isclass(value) and value.__module__.startswith("webpubsub."):
                yield pytest.param(value, id=f"{door.__name__}.{name}")
                for member, method in vars(value).items():
                    function = method.fget if isinstance(method, property) else getattr(method, "__func__", method)
                    if inspect.isfunction(function) and not member.startswith("_"):
                        yield pytest.param(function, id=f"{door.__name__}.{name}.{member}")
            elif inspect.isfunction(value):
                yield pytest.param(value, id=f"{door.__name__}.{name}")


def classes() -> Iterator[Any]:
    """Give every public class of ours; what there is to say of an error is said by the class above it."""
    return (
        parameter
        for parameter in objects()
        if inspect.isclass(parameter.values[0])
        and not (issubclass(parameter.values[0], Exception) and ServiceError in parameter.values[0].__bases__)
        and parameter.values[0] not in (webpubsub.WebPubSubError, webpubsub.EventError)
    )


@pytest.mark.parametrize("door", DOORS)
def test_all_names_are_sorted_and_there(door: ModuleType) -> None:
    """`from webpubsub import *` works, and a reader finds a name by its letter: constants, classes, functions."""
    assert door.__all__ == sorted(door.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert {name for name in door.__all__ if not hasattr(door, name)} == set()
    assert len(door.__all__) == len(set(door.__all__))


def test_nothing_public_is_forgotten() -> None:
    """What is imported at the front door for others to use is in `__all__`; the rest are modules."""
    visible = {name for name, value in vars(webpubsub).items() if name[0] != "_" and not inspect.ismodule(value)}

    assert (visible - {"TYPE_CHECKING"}) | {"__version__", "GroupMember"} == set(webpubsub.__all__)


def test_every_kind_of_public_name_is_at_the_front_door() -> None:
    """Client, credentials, errors, models, options, policy, `odata` and the version: one import is enough."""
    errors = import_module("webpubsub.errors")
    wanted = {"WebPubSubServiceClient", "AzureKeyCredential", "ClientAccessToken", "GroupMember", "Permission"}
    wanted |= {"ClientProtocol", "ConnectionString", "RetryPolicy", "odata", "__version__", *errors.__all__} - {
        "from_response"
    }

    assert wanted - set(webpubsub.__all__) == set()


@pytest.mark.parametrize(
    "name", ["AsyncCredential", "ClientProtocolName", "ContentType", "Credential", "Id", "Message"]
)
def test_an_alias_is_a_type_where_annotations_are_evaluated(name: str) -> None:
    """A parameter of one's own can be `Message | None`."""
    assert type(None) in get_args(getattr(webpubsub, name) | None)


@pytest.mark.parametrize("part", PARTS)
def test_what_a_module_offers_is_there(part: str) -> None:
    """The `__all__` of each public module is sorted and true."""
    module = import_module(f"webpubsub.{part}")

    assert list(module.__all__) == sorted(module.__all__)
    assert {name for name in module.__all__ if not hasattr(module, name)} == set()


@every_row("value", list(objects()))
def test_everything_public_is_explained(value: object) -> None:
    """A docstring whose first line is a title: short, and a whole sentence."""
    title, *rest = (inspect.getdoc(value) or "").splitlines()

    assert 0 < len(title) <= TITLE_LENGTH
    assert title.endswith(".")
    assert not rest or rest[0] == ""


@every_row("value", list(objects()))
def test_every_argument_is_explained_where_it_is(value: object) -> None:
    """Whoever hovers over a method reads it there, and is not sent to another one."""
    assert ": As in" not in str(inspect.getdoc(value)) or "compat" in str(getattr(value, "__module__", ""))


@every_row("value", list(classes()))
def test_every_public_class_has_an_example(value: type) -> None:
    """`tests/test_examples.py` runs it."""
    assert ">>>" in str(inspect.getdoc(value))


@pytest.mark.parametrize("door", DOORS)
def test_every_door_has_an_example(door: ModuleType) -> None:
    """`help(webpubsub)` shows how to begin."""
    assert ">>>" in str(door.__doc__)


def test_both_clients_have_the_same_methods_and_arguments() -> None:
    """The twin is rendered, so nothing can differ but the colour."""
    sync, asynchronous = webpubsub.WebPubSubServiceClient, webpubsub.aio.WebPubSubServiceClient
    names = {name for name in vars(sync) if name[0] != "_"}

    assert names == {name for name in vars(asynchronous) if name[0] != "_"}
    assert len(names) > 25
    assert {name: arguments(sync, name) for name in names} == {name: arguments(asynchronous, name) for name in names}


def arguments(client: type, name: str) -> list[tuple[str, object, object]]:
    """Describe the parameters of a method."""
    method = getattr(client, name)
    parameters = [] if isinstance(method, property) else inspect.signature(method).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]


@pytest.mark.parametrize("module", [webpubsub, webpubsub.aio])
def test_a_model_is_imported_when_it_is_first_used(module: ModuleType) -> None:
    """Only models need attrs, so the module that many import does not import them."""
    import_when_used = vars(module)["__getattr__"]

    assert import_when_used("GroupMember") is GroupMember
    assert module.GroupMember is GroupMember
    with pytest.raises(AttributeError, match="has no attribute 'GroupMembers'"):
        import_when_used("GroupMembers")
