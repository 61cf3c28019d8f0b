"""Texts sealed with AES-GCM: keys are files of their owner alone, one for each subject, and texts are in SQL."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from handrail.errors import Refused, Unavailable
from handrail.feedback.adapters.sql_tables import event, sealed_text
from handrail.feedback.domain.reviews import COMMITMENT, key_name
from handrail.feedback.review_ports import SealedTexts
from handrail.files import create_file
from handrail.storage import Store
from handrail.storage.bulk import insert_new

KEY_BYTES, NONCE_BYTES = 32, 12


class AesGcmTexts(SealedTexts):
    """Sealed texts in `store`, with keys below `folder`."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder

    def seal(self, texts: Sequence[tuple[str, str]]) -> Sequence[str]:
        """Keep texts durably, and return a commitment to each."""
        rows = [self._sealed(owner, text) for owner, text in texts]
        if rows:
            with self._store.write() as connection:
                connection.execute(insert_new(connection, sealed_text), rows)
        return [str(row["commitment"]) for row in rows]

    def _sealed(self, owner: str, text: str) -> dict[str, str | bytes]:
        name = key_name(owner)
        key = create_file(self._file(name), secrets.token_bytes(KEY_BYTES))
        commitment = f"{COMMITMENT}{_mac(key, text)}"
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), commitment.encode())
        return {"commitment": commitment, "key_name": name, "sealed": nonce + sealed}

    def open(self, owner: str, commitment: str) -> str | None:
        """Return a text; None if its key is gone, or it is not what was sealed."""
        name = key_name(owner)
        wanted = sa.select(sealed_text.c.sealed)
        mine = wanted.where(sealed_text.c.commitment == commitment, sealed_text.c.key_name == name)
        with self._store.read() as connection:
            held = connection.execute(mine).scalar()
        try:
            key = self._file(name).read_bytes()
            if held is None:
                return None
            text = AESGCM(key).decrypt(held[:NONCE_BYTES], held[NONCE_BYTES:], commitment.encode()).decode()
        except (FileNotFoundError, InvalidTag, ValueError):
            return None
        except PermissionError as err:
            raise Refused("Reading a review", ("Its key is its owner's alone to read.",)) from err
        return text if commitment == f"{COMMITMENT}{_mac(key, text)}" else None

    def older(self, kind: str, before: datetime) -> int:
        """Count the rows."""
        wanted = sa.select(sa.func.count()).select_from(sealed_text).where(_is_older(kind, before))
        with self._store.read() as connection:
            return int(connection.execute(wanted).scalar_one())

    def drop_older(self, kind: str, before: datetime) -> int:
        """Delete the rows; their bytes go when the store is shrunk."""
        with self._store.write() as connection:
            return connection.execute(sa.delete(sealed_text).where(_is_older(kind, before))).rowcount

    def destroy(self, owners: Iterable[str]) -> int:
        """Destroy keys, then what they sealed."""
        names = sorted({key_name(owner) for owner in owners})
        done = sum(map(self._destroy, names))
        with self._store.write() as connection:
            for name in names:
                connection.execute(sa.delete(sealed_text).where(sealed_text.c.key_name == name))
        return done

    def _destroy(self, name: str) -> bool:
        file = self._file(name)
        try:
            with file.open("r+b") as opened:
                opened.write(bytes(KEY_BYTES))
                opened.flush()
                os.fsync(opened.fileno())
            file.unlink()
        except FileNotFoundError:
            return False
        except OSError as err:
            problem = err.strerror or str(err)
            raise Unavailable(str(file), problem, "Correct its permissions, and run it again.") from err
        return True

    def _file(self, name: str) -> Path:
        return self._folder / name[:2] / name


def _is_older(kind: str, before: datetime) -> sa.ColumnElement[bool]:
    """Match what was last received before a moment; who says the same again has it kept for as long again."""
    said = sa.select(event.c.item).where(event.c.kind == kind, event.c.item.startswith(COMMITMENT))
    return sealed_text.c.commitment.in_(said.group_by(event.c.item).having(sa.func.max(event.c.received_at) < before))


def _mac(key: bytes, text: str) -> str:
    # Another key than the one that seals.
    own = hmac.new(key, b"handrail feedback commitment 1", sha256).digest()
    return hmac.new(own, text.encode(), sha256).hexdigest()
