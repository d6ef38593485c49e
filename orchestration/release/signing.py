"""Signs a release, so that whoever copies it can prove who made it and that nothing was changed since.

In: a release's checksums, and an Ed25519 key from the environment that `publish.sign` in programme.yml
names. Out: the signature beside the checksums, or what is wrong with one. Checksums alone prove that files
are whole; whoever can write files can write checksums too.
"""

import base64
import binascii
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CHECKSUMS = "checksums.sha256"
SIGNATURE = "checksums.sha256.signature.json"
_KEY_BYTES = 32
MAKE_A_KEY = (
    "python -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())', and keep "
    "it where only the night can read it"
)


class SigningFault(ValueError):
    """The key cannot be used; the message names the variable and the remedy."""


def signing_key(variable: str) -> "Ed25519PrivateKey":
    """The key in an environment variable: 32 random bytes as Base64.

    Raises:
        SigningFault: The variable is not set, or holds no such key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    text = os.environ.get(variable, "").strip()
    if not text:
        raise SigningFault(
            f"publish.sign names {variable}, which is not set. Remedy: make a key with {MAKE_A_KEY}; or "
            "remove `sign` from programme.yml."
        )
    raw = _decoded(text)
    if len(raw) != _KEY_BYTES:
        raise SigningFault(
            f"{variable} holds no key of 32 bytes in Base64. Remedy: make one with {MAKE_A_KEY}."
        )
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_text(key: "Ed25519PrivateKey") -> str:
    """The public half, as Base64: what readers are told, and check releases with."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(folder: Path, key: "Ed25519PrivateKey") -> None:
    """Writes the signature over a release's checksums."""
    signature = base64.b64encode(key.sign((folder / CHECKSUMS).read_bytes())).decode()
    told = {"algorithm": "Ed25519", "over": CHECKSUMS, "public_key": public_text(key), "signature": signature}
    (folder / SIGNATURE).write_text(json.dumps(told, indent=1) + "\n")
    (folder / SIGNATURE).chmod(0o444)


def signature_faults(folder: Path, signed_by: str | None, expected: str | None = None) -> list[str]:
    """What is wrong with a release's signature, in words; empty where nothing is.

    Args:
        folder: The release.
        signed_by: The public key that its manifest states; None if it was not signed.
        expected: The public key that it must be signed with, if whoever asks knows one.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if expected is not None and signed_by != expected:
        return [f"{SIGNATURE}: signed by {signed_by or 'nobody'}, not by the key that was named"]
    if signed_by is None:
        return []
    if not (folder / SIGNATURE).exists():
        return [f"{SIGNATURE}: missing, though the manifest says that the release was signed"]
    try:
        signature = _decoded(str(json.loads((folder / SIGNATURE).read_text())["signature"]))
        key = Ed25519PublicKey.from_public_bytes(_decoded(signed_by))
        key.verify(signature, (folder / CHECKSUMS).read_bytes())
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return [f"{SIGNATURE}: it is not that of these checksums"]
    return []


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
