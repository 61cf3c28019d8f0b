"""What may be served, and from where: values and rules of delivery, without a tool and without I/O."""

from handrail.delivery.domain.bentos import PERMIT, TREE, USE, BuiltBento, BuiltFor, Carried, PermittedVersion, Verified
from handrail.delivery.domain.slots import Deployed, Slot

__all__ = [
    "PERMIT",
    "TREE",
    "USE",
    "BuiltBento",
    "BuiltFor",
    "Carried",
    "Deployed",
    "PermittedVersion",
    "Slot",
    "Verified",
]
