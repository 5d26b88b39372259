"""`@deprecated` as PEP 702 has it: type checkers tell callers, and so does a `DeprecationWarning`."""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

if TYPE_CHECKING:
    from typing_extensions import deprecated as deprecated
else:

    def deprecated(message: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """Mark a function as one that callers should leave."""

        def mark(function: Callable[P, T]) -> Callable[P, T]:
            @wraps(function)
            def warn(*args: P.args, **kwargs: P.kwargs) -> T:
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return function(*args, **kwargs)

            warn.__deprecated__ = message
            return warn

        return mark
