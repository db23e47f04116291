"""Encryption of Pulumi's passphrase provider: AES-256-GCM with a key that PBKDF2 derives from passphrase and salt.

The texts are Pulumi's own: it reads what is encrypted here, and the other way round
(pulumi/sdk/go/common/resource/config/crypt.go, pulumi/pkg/secrets/passphrase/manager.go).
"""

import base64
import functools
import hashlib
import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tools.errors import ToolsError

ITERATIONS: Final = 1_000_000
KEY_BYTES: Final = 32
SALT_BYTES: Final = 8
NONCE_BYTES: Final = 12
VERSION: Final = "v1"
PROOF: Final = "pulumi"  # its encryption follows the salt, so that a wrong passphrase is noticed


class PassphraseError(ToolsError):
    """A passphrase does not open a text, or the text is not one of Pulumi's."""


@dataclass(frozen=True)
class Passphrase:
    """A passphrase with a salt as `encryptionsalt` of a stack file holds it: version, salt and an encrypted proof."""

    phrase: str
    salt: str

    @classmethod
    def new(cls, phrase: str) -> "Passphrase":
        """Return the passphrase with a new salt."""
        salt = base64.b64encode(os.urandom(SALT_BYTES)).decode()
        return cls(phrase, f"{VERSION}:{salt}:{_encrypt(_key(phrase, salt), PROOF)}")

    def check(self) -> None:
        """Raise PassphraseError where the passphrase is not the one that the salt was made with."""
        proof = self.salt.split(":", 2)[-1]
        if self.decrypt(proof) != PROOF:
            raise PassphraseError(
                f"got a salt that holds no proof; accepted: {VERSION}:SALT:PROOF, as Pulumi writes it"
            )

    def encrypt(self, value: str) -> str:
        """Return the text of a `secure:` value."""
        return _encrypt(self._key, value)

    def decrypt(self, text: str) -> str:
        """Return the value of a `secure:` text. Raises PassphraseError."""
        try:
            version, nonce, sealed = text.split(":")
            if version != VERSION:
                raise PassphraseError(f"got a text of version {version!r}; accepted: {VERSION}")
            return AESGCM(self._key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        except (InvalidTag, ValueError) as error:
            raise PassphraseError("got another passphrase than the one that it was encrypted with") from error

    @property
    def _key(self) -> bytes:
        version, salt, _ = f"{self.salt}::".split(":", 2)
        if version != VERSION:
            raise PassphraseError(f"got a salt of version {version!r}; accepted: {VERSION}")
        return _key(self.phrase, salt)


@functools.cache
def _key(phrase: str, salt: str) -> bytes:
    """Return the key, which takes a third of a second."""
    return hashlib.pbkdf2_hmac("sha256", phrase.encode(), base64.b64decode(salt), ITERATIONS, KEY_BYTES)


def _encrypt(key: bytes, value: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, value.encode(), None)
    return ":".join((VERSION, base64.b64encode(nonce).decode(), base64.b64encode(sealed).decode()))
