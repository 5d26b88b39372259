"""Says which keyword is wrong, where Python would only say which argument is missing because of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import CO_COROUTINE, CO_VARKEYWORDS
from types import FunctionType
from typing import Any, TypeVar

from .options import ClientOptions, RequestOptions

T = TypeVar("T")


def name_wrong_keywords(cls: type[T]) -> type[T]:
    """Let every method of a client that takes options name a keyword that it does not take.

    `send_to_user(userId="ann", message="Hello")` lacks `user_id`; that `userId` is wrong is what people need to know.
    """
    for name, member in list(vars(cls).items()):
        method = member.__func__ if isinstance(member, classmethod) else member
        if isinstance(method, FunctionType) and _takes_options(method):
            told = _told(method, _required(method))
            setattr(cls, name, classmethod(told) if isinstance(member, classmethod) else told)
    return cls


def _told(method: FunctionType, required: Sequence[str]) -> Callable[..., Any]:
    if method.__code__.co_flags & CO_COROUTINE:

        @wraps(method)
        async def awaited(*args: Any, **keywords: Any) -> Any:
            if len(args) < len(required):
                _check(method, required, args, keywords)
            return await method(*args, **keywords)

        return awaited

    @wraps(method)
    def called(*args: Any, **keywords: Any) -> Any:
        if len(args) < len(required):
            _check(method, required, args, keywords)
        return method(*args, **keywords)

    return called


def _check(method: FunctionType, required: Sequence[str], args: Sequence[Any], keywords: Mapping[str, Any]) -> None:
    if not args or keywords.keys() >= {*required[len(args) :]}:
        return
    owner = args[0]
    makes_client = isinstance(owner, type) or method.__name__ == "__init__"
    cls: Any = owner if isinstance(owner, type) else type(owner)
    of_call, of_client = RequestOptions.__annotations__, ClientOptions.__annotations__
    options, elsewhere = (of_client, of_call) if makes_client else (of_call, of_client)
    known = {*_parameters(method), *options, *cls._more_keywords}
    for name in keywords:
        if name not in known:
            from ._keywords import unknown

            raise unknown(name, cls if method.__name__ == "__init__" else method, options, elsewhere)


def _takes_options(method: FunctionType) -> bool:
    code = method.__code__
    return bool(code.co_flags & CO_VARKEYWORDS) and "options" in code.co_varnames


def _required(method: FunctionType) -> Sequence[str]:
    positional = method.__code__.co_varnames[: method.__code__.co_argcount]
    return positional[: len(positional) - len(method.__defaults__ or ())]


def _parameters(method: FunctionType) -> Sequence[str]:
    code = method.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
