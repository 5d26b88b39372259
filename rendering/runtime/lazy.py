"""Importing a package's names when they are first used, so that one operation does not load all of them."""

import sys
from collections.abc import Callable
from importlib import import_module


def lazy_names(package: str, modules: dict[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package that finds each name in a module of its own.

    Args:
        package: The package's `__name__`.
        modules: Name to module, relative to the package.
    """

    def getattribute(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return getattribute, names
