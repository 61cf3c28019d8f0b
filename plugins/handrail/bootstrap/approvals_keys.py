"""What the gate keeps on disk for verifiers, and the refusal to start when a key or the ledger is lost."""

from __future__ import annotations

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer
from handrail.approvals.adapters.folder_shelf import FolderShelf
from handrail.approvals.domain.permit import Permit
from handrail.approvals.ports import RequestIndex
from handrail.errors import Misconfigured
from handrail.manifest import canonical_json
from handrail.settings import Settings


def open_shelf(settings: Settings, signer: Ed25519Signer) -> FolderShelf:
    """Open the shelf, on which the bytes as an OMS bundle and the verdict as an SVR lie beside each permit."""
    from handrail.approvals.adapters.p256_bundles import P256Bundles
    from handrail.approvals.domain.companions import make_svr_statement

    bundles = P256Bundles(settings.gate_credentials / "gate-p256-key.pem", settings.permits / "gate-p256.pub")

    def svr(permit: Permit) -> bytes:
        return signer.sign(canonical_json(make_svr_statement(permit))).to_json().encode("utf-8")

    return FolderShelf(settings.permits, {".sig": bundles.bundle, ".svr": svr})


def refuse_lost_key(settings: Settings) -> None:
    """Refuse to replace a signing key that is gone: what it signed would verify nowhere any more, and nobody knew."""
    private, public = settings.gate_credentials / "gate-signing-key.pem", settings.permits / "gate.pub"
    if public.exists() and not private.exists():
        raise Misconfigured(
            str(private),
            f"the gate's signing key is gone, while its public half, {public}, is here",
            "Restore the key from a backup. If it is lost for good, remove the public half too: a new key is made, and "
            "every permit that the old one signed has to be replaced by a new promotion.",
        )


def refuse_lost_ledger(settings: Settings, ledger: RequestIndex) -> None:
    """Refuse to start over a ledger that has none of the promotions whose permits are here."""
    permit = next(settings.permits.rglob("*.json"), None)
    if permit is not None and not ledger.promoted():
        raise Misconfigured(
            "database_url",
            f"the store holds no promotion, while {permit} is the permit of one; it is another store, or empty",
            "Name the store that the gate has used before. If it is lost for good, move the folder of permits away: "
            "what aliases point at then has to be adopted or promoted again.",
        )
