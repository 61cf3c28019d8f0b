"""Opens the keys of privacy, files of their owner alone: subjects are named with one, erasures sealed with another."""

from __future__ import annotations

import re
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.errors import Misconfigured
from handrail.feedback.domain.subjects import Subjects
from handrail.files import create_file
from handrail.settings import Settings, load_settings, make_home
from handrail.storage import Store

if TYPE_CHECKING:
    from handrail.feedback.erasure_ports import ErasureBook
    from handrail.feedback.review_ports import SealedTexts
    from handrail.feedback.service import FeedbackLog
    from handrail.feedback.service.reviews import Reviews

__all__ = ["open_erasures", "open_reviews", "open_subjects", "open_texts", "subject_reference"]

BYTES = 32
_KEY = re.compile(r"[0-9a-f]{64}")
LOST = "Put it back from your backup: without it no subject is found in the log again, and a new one begins a new log."


def open_subjects(settings: Settings) -> Subjects | None:
    """Return how subjects are named, None where config/feedback.yaml says that they are named as they are.

    Raises:
        Misconfigured: config/feedback.yaml or the key cannot be used, or the key was lost.
    """
    from handrail.feedback.adapters.yaml_kinds import names_are_keyed

    return _keyed(settings) if names_are_keyed(settings.config / "feedback.yaml") else None


def subject_reference(subject: str, settings: Settings | None = None) -> str:
    """Return what the log calls a subject, for those who join with tables of their own.

    `settings` are those of the project around the current folder if None. Where subjects are plain it is the subject.

    Raises:
        Misconfigured: config/feedback.yaml or the key cannot be used, or the key was lost.
        ForeignPseudonym: it is a pseudonym of another key.
    """
    subjects = open_subjects(settings or load_settings())
    return subject if subjects is None else subjects.reference(subject)


def open_erasures(settings: Settings, store: Store) -> ErasureBook:
    """Return the book of erasures in `store`; the first erasure makes the key that seals its records."""
    from handrail.feedback.adapters.sql_erasures import SqlErasures

    file = settings.credentials / "feedback-erasure-key"

    def made() -> bytes:
        make_home(settings)
        create_file(file, secrets.token_hex(BYTES).encode("ascii"))
        return read_key(file)

    return SqlErasures(store, made, lambda: read_key(file) if file.exists() else None)


def open_texts(settings: Settings, store: Store) -> SealedTexts:
    """Return what people wrote, sealed in `store`; the first text of a subject makes its key."""
    from handrail.feedback.adapters.sealed_texts import AesGcmTexts

    return AesGcmTexts(store, settings.credentials / "feedback-subject-keys")


def open_reviews(settings: Settings, store: Store, log: FeedbackLog) -> Reviews:
    """Return what reads the texts that people wrote."""
    from handrail.feedback.service.reviews import Reviews

    return Reviews(log, open_texts(settings, store))


def _keyed(settings: Settings) -> Subjects:
    file, witness = settings.credentials / "feedback-subject-key", settings.home / "feedback-subject-key-id"
    if not file.exists():
        if witness.exists():
            raise Misconfigured(str(file), "the key that names subjects is gone", LOST)
        make_home(settings)
        create_file(file, secrets.token_hex(BYTES).encode("ascii"))
    subjects = Subjects(read_key(file))
    if create_file(witness, subjects.key_id.encode("ascii")) != subjects.key_id.encode("ascii"):
        raise Misconfigured(str(file), "it is not the key that subjects were named with", LOST)
    return subjects


def read_key(file: Path) -> bytes:
    """Return the key in a file that its owner alone may read.

    Raises:
        Misconfigured: it cannot be used.
    """
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise Misconfigured(str(file), "other users may read it", f"Run: chmod 600 {file}")
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise Misconfigured(str(file), "it cannot be read", "Correct its permissions.") from err
    if not _KEY.fullmatch(text):
        raise Misconfigured(str(file), "it holds no usable key", LOST)
    return bytes.fromhex(text)
