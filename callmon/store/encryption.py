"""Encrypts numbers for their one column, and derives the token that finds equal numbers. Pure but for the nonce.

    number ── encrypt ─▶ "3f2a90c1:…"   AES-256-GCM: the key's name, then nonce, cipher text and tag
    number ── token ───▶ "vq3…"         HMAC-SHA256 under another key of the same line of the key file
    bytes ─── sign ────▶ "3f2a90c1:…"   HMAC-SHA256 under a third key of that line, with the key's name

AES-GCM takes a tenth of Fernet's time (0.6 µs against 8 µs per number) and half its length. Fernet's time stamp
would reveal when a number was stored, which a table beside it reveals already. The nonce is random: a key may
encrypt four thousand million numbers.

The first key of a ring encrypts; all of them decrypt. During a key rotation a number has one token per key:
`tokens` returns them all, the newest first.

Refuses: to guess. A text that no key of the ring decrypts raises an error, and never gives an empty number.
"""

import hmac
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from callmon.errors import Sentence, StoreError

KEY_BYTES = 32
NONCE_BYTES = 12
ABOUT, ABOUT_JOURNAL = b"callmon number", b"callmon journal"
KEY_NAME_BYTES = 4
ENCRYPTED = re.compile(r"([0-9a-f]{8}):([A-Za-z0-9_-]+=*)", re.ASCII)
# Half of SHA-256: among a thousand million numbers the probability that two share a token is about 10^-20.
TOKEN_BYTES = 16
THE_FILE = Sentence("the key file")


class KeyMissingError(StoreError):
    """A key is missing, or a text is damaged. The administrator of the key file can act."""


class Key:
    """The key of one line of the key file."""

    def __init__(self, key: bytes) -> None:
        self.name = _derived(key, "name")[:KEY_NAME_BYTES].hex()
        self.cipher = AESGCM(_derived(key, "seal"))
        self._matching = _derived(key, "match")
        self._signing = _derived(key, "sign")

    def token(self, number: str) -> str:
        digest = hmac.digest(self._matching, number.encode(), "sha256")
        return urlsafe_b64encode(digest[:TOKEN_BYTES]).rstrip(b"=").decode()

    def sign(self, data: bytes) -> str:
        return f"{self.name}:{hmac.digest(self._signing, data, 'sha256').hex()}"


class KeyRing:
    """The keys, newest first; `source` names them in messages. Without keys no number is stored."""

    def __init__(self, keys: Sequence[bytes] = (), source: str = THE_FILE) -> None:
        self.raw, self.source = tuple(keys), source
        self._keys = {key.name: key for key in map(Key, keys)}
        self._first = next(iter(self._keys.values()), None)

    def __bool__(self) -> bool:
        return self._first is not None

    @property
    def name(self) -> str:
        """The name of the key that encrypts. Raises KeyMissingError."""
        return self._newest_key().name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def encrypt(self, number: str) -> str:
        return f"{self.name}:{urlsafe_b64encode(self._encrypt(number.encode(), ABOUT)).decode()}"

    def decrypt(self, text: str) -> str:
        """The number, decrypted. Raises KeyMissingError."""
        found = ENCRYPTED.fullmatch(text)
        if found is None:
            raise KeyMissingError("a number in the database is not encrypted: it was altered")
        return self._decrypt(found[1], urlsafe_b64decode(found[2]), ABOUT, Sentence("a number")).decode()

    def encrypt_bytes(self, data: bytes) -> bytes:
        """Encrypts bytes that contain numbers as a whole: the key's name, the nonce, cipher text and tag."""
        return bytes.fromhex(self.name) + self._encrypt(data, ABOUT_JOURNAL)

    def decrypt_bytes(self, data: bytes) -> bytes:
        """Decrypts the result of `encrypt_bytes`. Raises KeyMissingError."""
        return self._decrypt(
            data[:KEY_NAME_BYTES].hex(), data[KEY_NAME_BYTES:], ABOUT_JOURNAL, Sentence("an outcome")
        )

    def _encrypt(self, data: bytes, about: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._newest_key().cipher.encrypt(nonce, data, about)

    def _decrypt(self, name: str, data: bytes, about: bytes, what: str) -> bytes:
        key = self._keys.get(name)
        if key is None:
            raise KeyMissingError(self.lacks(name))
        try:
            return key.cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            raise KeyMissingError(
                "{what} encrypted with the key {name} is damaged or was altered", what=what, name=name
            ) from None

    def token(self, number: str) -> str:
        """The number's token under the newest key. Raises KeyMissingError."""
        return self._newest_key().token(number)

    def tokens(self, number: str) -> tuple[str, ...]:
        """The number's tokens under all keys, the newest first."""
        return tuple(key.token(number) for key in self._keys.values())

    def sign(self, data: bytes) -> str:
        """The newest key's message authentication code of `data`. Raises KeyMissingError."""
        return self._newest_key().sign(data)

    def is_signed(self, data: bytes, mac: str) -> bool:
        """Whether `mac` is the code that a key of the ring gives `data`."""
        key = self._keys.get(mac.partition(":")[0])
        return key is not None and hmac.compare_digest(key.sign(data).encode(), mac.encode())

    def lacks(self, name: str) -> Sentence:
        """The error message for the missing key `name`."""
        if not self:
            return Sentence(
                "numbers are encrypted with the key {name}, and no key is available: set privacy.key_file",
                name=name,
            )
        return Sentence(
            "numbers are encrypted with the key {name}, which {source} lacks: restore that key's line below the "
            "newest",
            name=name,
            source=self.source,
        )

    def _newest_key(self) -> Key:
        if self._first is None:
            raise KeyMissingError("no key is available to encrypt numbers or to sign: set privacy.key_file")
        return self._first


NO_KEYS = KeyRing()


def _derived(key: bytes, purpose: str) -> bytes:
    """A key derived for one purpose. The key itself is never used."""
    return hmac.digest(key, f"callmon {purpose}".encode(), "sha256")


def keyed_hash(key: bytes) -> Callable[[str], str]:
    """The keyed hash: equal numbers give equal tokens, and a token does not reveal its number."""

    def token(number: str) -> str:
        return hmac.digest(key, number.encode(), "sha256")[:16].hex()

    return token
