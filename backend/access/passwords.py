"""Passwords: how they are hashed (Argon2id) and compared, away from the event loop."""

import asyncio
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane (about 20 ms here).
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Compared with when there is nothing to compare with, so that this takes as long; nobody knows its password.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$g7tcaaHXiVK4U2fn5z3tRQ$pSbihEXEDJIHwUysrFLNu4307kMPX7HwLe3WEJyNghg"
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


async def hashed(password: str) -> str:
    """The hash to keep of a password."""
    return await asyncio.to_thread(_HASHER.hash, _plain(password))


async def fits(kept: str | None, password: str) -> bool:
    """Whether the password is the one whose hash was kept; takes the same time when there is none."""
    return await asyncio.to_thread(_verify, kept or _NOBODYS, _plain(password)) and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def generated() -> str:
    """A random password that can be read out: four groups of five, about 99 bits."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(4))


def _plain(password: str) -> bytes:
    """The same bytes however a keyboard composes its letters."""
    return unicodedata.normalize("NFC", password.strip()).encode(errors="replace")


def _verify(kept: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
