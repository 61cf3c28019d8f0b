"""What may be served, and from where: values and rules of delivery, without a tool and without I/O."""

from handrail.delivery.domain.bentos import PERMIT, TREE, BuiltBento, Carried, PermittedVersion, Verified
from handrail.delivery.domain.slots import Deployed, Slot

__all__ = ["PERMIT", "TREE", "BuiltBento", "Carried", "Deployed", "PermittedVersion", "Slot", "Verified"]
