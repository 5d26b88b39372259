"""What API documents may say. Everything that is refused is refused here: collected, and told at once.

`form` looks at which keys, of which types, may stand where, `meaning` at what they say, `names` at what is called how.
All refuse what rendering would not do justice, each thing with its place and with what to do about it, so that a
document which says something new is never half understood. What is ignored stands in a table that says why.
"""

from rendering.grammar.form import IGNORED, TYPES, check, check_swagger, written
from rendering.grammar.meaning import (
    NOT_ARGUMENTS,
    check_alternative_base,
    check_alternatives,
    check_heirs,
    check_meaning,
)
from rendering.grammar.names import check_names, name_of, published_name_of
from rendering.grammar.refusals import DocumentError, Refusals, Refused, not_parsed

__all__ = [
    "IGNORED",
    "NOT_ARGUMENTS",
    "TYPES",
    "DocumentError",
    "Refusals",
    "Refused",
    "check",
    "check_alternative_base",
    "check_alternatives",
    "check_heirs",
    "check_meaning",
    "check_names",
    "check_swagger",
    "name_of",
    "not_parsed",
    "published_name_of",
    "written",
]
