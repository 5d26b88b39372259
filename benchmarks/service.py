"""The service of the benchmarks as the harness sees it: start it, ask what arrived, and judge that."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
import jwt
import trustme

from .clients import content
from .server import SEEN
from .workload import CONTENT_TYPES, KEY, MEMBERS_PATH, SEND_PATH, USERS_PATH, Case, message

_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")  # the first is for all but requests
_TO_A_USER = re.compile(re.escape(USERS_PATH).replace(r"\{\}", r"user-\d+"))


class UnfairError(Exception):
    """A contender did not do the whole job."""


@dataclass(frozen=True)
class Arrived:
    """What the service saw.

    Attributes:
        requests: How many requests came.
        cpu: Seconds that the service has computed since it started.
        recorded: The requests themselves, if they are kept.
    """

    requests: int
    cpu: float
    recorded: list["Request"]


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, head: str, body: str) -> "Request":
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        return cls(method, target, {name.lower(): value for name, value in headers.items()}, base64.b64decode(body))


@contextmanager
def serving(*options: str, tls: bool = False) -> Iterator[str]:
    """Run the service in a process of its own; give its endpoint. With TLS, processes started meanwhile trust it."""
    command = [sys.executable, "-m", f"{__package__}.server", *options]
    with ExitStack() as stack:
        if tls:
            command += ["--certificate", stack.enter_context(_trusted_certificate())]
        yield stack.enter_context(_running(command))


@contextmanager
def _trusted_certificate() -> Iterator[str]:
    """Let all clients load what they would, with one authority more; give the file of the certificate it issued."""
    with TemporaryDirectory() as directory:
        bundle, certificate = Path(directory, "bundle.pem"), Path(directory, "certificate.pem")
        authority = trustme.CA()
        bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        certificate.write_bytes(authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes())
        before = {name: os.environ.get(name) for name in _BUNDLES}
        os.environ.update(dict.fromkeys(_BUNDLES, str(bundle)))
        try:
            yield str(certificate)
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


@contextmanager
def _running(command: list[str]) -> Iterator[str]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def arrived(endpoint: str) -> Arrived:
    """Ask the service what came since it was last asked."""
    scheme, _, address = endpoint.partition("://")
    connection = (HTTPSConnection if scheme == "https" else HTTPConnection)(address)
    try:
        connection.request("GET", SEEN)
        seen = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return Arrived(seen["requests"], seen["cpu"], [Request.of(**request) for request in seen["recorded"]])


def judge(case: Case, endpoint: str, request: Request) -> None:
    """Judge one request of a case.

    Raises:
        UnfairError: It is not what was asked for, or not signed for where it went.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        jwt.decode(token, KEY, algorithms=["HS256"], audience=endpoint + request.target, options={"require": ["exp"]})
    except jwt.InvalidTokenError as error:
        raise UnfairError(f"the token is not valid: {error}") from None
    if case.job == "list":
        expected = request.method == "GET" and request.target.startswith(MEMBERS_PATH)
    else:
        there = _TO_A_USER.fullmatch(request.target) if case.job == "users" else request.target == SEND_PATH
        expected = request.method == "POST" and bool(there) and _carries(request, case)
    if scheme != "Bearer" or not expected:
        raise UnfairError(f"not the request of {case.name!r}: {request.method} {request.target}")


def _carries(request: Request, case: Case) -> bool:
    kind, _ = case.message
    sent = message(*case.message)
    same = json.loads(request.body) == sent if kind == "dict" else request.body == content(sent)
    return same and request.headers.get("content-type", "").split(";")[0] == CONTENT_TYPES[kind]
