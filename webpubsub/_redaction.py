"""What a secret looks like in a text, and what stands in its place. Errors and the log both come here."""

import re

REDACTED = "REDACTED"
_PARAMETER = re.compile(r"((?:^|[?&])access_token=)[^&#\s]+", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")


def redacted(text: str) -> str:
    """Replace the tokens in a text."""
    return _JWT.sub(REDACTED, _PARAMETER.sub(rf"\1{REDACTED}", text))
