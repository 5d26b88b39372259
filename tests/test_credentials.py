"""Credentials: which objects count as one, and that none shows its secret."""

import copy
import sys

import azure.core.credentials
import azure.identity
import pytest

import webpubsub
import webpubsub.aio
from webpubsub import AzureKeyCredential, ConfigurationError, KeyCredential
from webpubsub.credentials import AsyncCredential, from_environment, recognize

KEY = "s3cr3t"


class OwnKey:
    """A credential of a user's own, with nothing but a key."""

    key = KEY


class OwnTokens:
    """A token credential of a user's own."""

    def get_token(self, *scopes: str) -> azure.core.credentials.AccessToken:
        """Issue a token."""
        return azure.core.credentials.AccessToken("token", 0)


class OwnAsyncTokens:
    """Its asynchronous twin."""

    async def get_token(self, *scopes: str) -> azure.core.credentials.AccessToken:
        """Issue a token."""
        return azure.core.credentials.AccessToken("token", 0)


BY_SHAPE = {
    "ours": (AzureKeyCredential(KEY), True),
    "that of azure-core": (azure.core.credentials.AzureKeyCredential(KEY), True),
    "an object with a key": (OwnKey(), True),
    "an object with get_token": (OwnTokens(), False),
    "an object with an async get_token": (OwnAsyncTokens(), False),
}


@pytest.mark.parametrize(("credential", "has_a_key"), BY_SHAPE.values(), ids=BY_SHAPE)
def test_a_credential_is_recognized_by_its_shape(credential: AsyncCredential, has_a_key: bool) -> None:
    """No import of azure-core is needed to take its credentials as they come."""
    assert recognize(credential) is credential
    assert isinstance(credential, KeyCredential) is has_a_key


def test_a_str_is_an_access_key() -> None:
    """A key alone becomes a credential of ours."""
    recognized = recognize(KEY)

    assert isinstance(recognized, AzureKeyCredential)
    assert recognized.key == KEY


REFUSED: dict[str, tuple[object, type[Exception]]] = {
    "None": (None, ConfigurationError),
    "an empty key": ("", ConfigurationError),
    "a blank key": ("  \n", ConfigurationError),
    "a key as a file holds it": (f"{KEY}\n", ConfigurationError),
    "a key of other bytes than UTF-8": (f"{KEY}\udcff", ConfigurationError),
    "a connection string": (f"Endpoint=https://h;AccessKey={KEY};Version=1.0;", ConfigurationError),
    "a part of a connection string": (f" AccessKey = {KEY}", ConfigurationError),
    "a class of keys": (AzureKeyCredential, TypeError),
    "a class of keys of azure-core": (azure.core.credentials.AzureKeyCredential, TypeError),
    "a class of tokens": (OwnTokens, TypeError),
    "bytes": (KEY.encode(), TypeError),
    "a dict": ({"key": KEY}, TypeError),
    "a shared access signature": (azure.core.credentials.AzureSasCredential(KEY), TypeError),
    "an object of another kind": (object(), TypeError),
}


@pytest.mark.parametrize(("credential", "error"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_at_once(credential: str, error: type[Exception]) -> None:
    """The official client takes some of these and fails at the first call."""
    with pytest.raises(error, match=r"credential|key") as refused:
        recognize(credential)

    assert KEY not in str(refused.value)
    assert KEY not in repr(refused.value.__context__)


ADVICE: list[tuple[object, str]] = [
    ("Endpoint=https://h;AccessKey=k", "credential is a connection string; use from_connection_string instead."),
    (AzureKeyCredential, "credential is the class AzureKeyCredential; an instance of it is needed."),
    ("\udcff", "credential has bytes that are not UTF-8."),
]


@pytest.mark.parametrize(("credential", "advice"), ADVICE)
def test_a_common_mistake_is_told_what_to_do(credential: str, advice: str) -> None:
    """One sentence each."""
    with pytest.raises((ConfigurationError, TypeError)) as refused:
        recognize(credential)

    assert str(refused.value) == advice


VARIABLES = ("WEBPUBSUB_CONNECTION_STRING", "WEBPUBSUB_ENDPOINT")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Start without the variables."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_environment_gives_a_connection_string(environment: pytest.MonkeyPatch) -> None:
    """It wins over an endpoint."""
    environment.setenv("WEBPUBSUB_CONNECTION_STRING", f"Endpoint=https://h;AccessKey={KEY}")
    environment.setenv("WEBPUBSUB_ENDPOINT", "https://other")

    assert from_environment() == ("https://h", KEY)
    for client in (webpubsub.WebPubSubServiceClient, webpubsub.aio.WebPubSubServiceClient):
        assert client.from_environment("chat", read_timeout=5).endpoint == "https://h"


def test_the_environment_gives_an_endpoint_for_an_identity(environment: pytest.MonkeyPatch) -> None:
    """Then azure-identity finds out who asks."""
    environment.setenv("WEBPUBSUB_ENDPOINT", "https://h")

    endpoint, credential = from_environment()

    assert endpoint == "https://h"
    assert isinstance(credential, azure.identity.DefaultAzureCredential)
    credential.close()


def test_an_environment_without_an_answer_is_told_apart(environment: pytest.MonkeyPatch) -> None:
    """What to set, or what to install."""
    with pytest.raises(
        ConfigurationError, match="Set WEBPUBSUB_CONNECTION_STRING in the environment, or WEBPUBSUB_END"
    ):
        webpubsub.WebPubSubServiceClient.from_environment("chat")
    environment.setenv("WEBPUBSUB_ENDPOINT", "https://h")
    environment.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(ConfigurationError, match=r"install webpubsub\[identity\]"):
        from_environment()


def test_a_key_is_exchanged_in_place() -> None:
    """`update` changes what `key` gives; a wrong new key leaves the old one in use."""
    credential = AzureKeyCredential("first")

    credential.update("second")
    with pytest.raises(ConfigurationError, match="key is empty"):
        credential.update(" ")
    with pytest.raises(TypeError, match="key must be a str, not bytes"):
        credential.update(b"third")  # type: ignore[arg-type]

    assert credential.key == "second"


def test_a_credential_hides_its_key() -> None:
    """`repr`, `str` and formatting show that there is a key, and not which."""
    credential = AzureKeyCredential(KEY)

    assert repr(credential) == str(credential) == f"{credential}" == "AzureKeyCredential(key=REDACTED)"
    assert copy.copy(credential).key == KEY
