# Copied by codegen.py from rendering/runtime/errors.py. Do not edit: change that file and run `python codegen.py`.
"""What a rendered operation raises when a response is not one the document promises.

Error bodies are kept as bytes and never read here: their shape differs from one part of the service to the next.
"""

import httpx


class UnexpectedResponse(Exception):
    """The service responded, but not as documented.

    Attributes:
        status_code: The HTTP status.
        content: The body as it came.
        headers: The headers as they came.
    """

    def __init__(self, status_code: int, content: bytes, headers: httpx.Headers) -> None:
        super().__init__(status_code, content, headers)
        self.status_code = status_code
        self.content = content
        self.headers = headers

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status_code})"


class UnexpectedStatus(UnexpectedResponse):
    """The status is not one of success."""

    def __str__(self) -> str:
        return f"The service responded with status {self.status_code}."


class UnexpectedContent(UnexpectedResponse):
    """The status is one of success, but the body is not the documented JSON.

    The exception's cause says what was wrong with it.
    """

    def __str__(self) -> str:
        return f"The service responded with status {self.status_code} and a body that is not the documented JSON."
