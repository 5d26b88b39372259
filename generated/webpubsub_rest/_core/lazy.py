# Copied by codegen.py from rendering/runtime/lazy.py. Do not edit: change that file and run `python codegen.py`.
"""Importing a package's names when they are first used, so that one operation does not load all of them."""

import sys
from collections.abc import Callable, Iterable
from importlib import import_module


def lazy_names(
    package: str, modules: dict[str, str], packages: Iterable[str] = (), public: Iterable[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package that finds each name in a module of its own.

    Args:
        package: The package's `__name__`.
        modules: Name to module, relative to the package.
        packages: Names of packages inside of it, which are imported as they are.
        public: What else `dir` shows.
    """
    inner = frozenset(packages)
    shown = sorted({*modules, *inner, *public})

    def getattribute(name: str) -> object:
        if name in inner:
            return import_module(f".{name}", package)
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(modules[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return getattribute, lambda: shown
