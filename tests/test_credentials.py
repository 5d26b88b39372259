"""Credentials: which objects count as one, and that none shows its secret."""

import copy

import azure.core.credentials
import pytest

from webpubsub import AzureKeyCredential, ConfigurationError, KeyCredential
from webpubsub.credentials import AsyncCredential, recognize

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
