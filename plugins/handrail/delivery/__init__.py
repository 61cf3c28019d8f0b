"""Delivery: what may be served, and where a slot of an environment points. These are the public names."""

from handrail.delivery.domain import BuiltBento, BuiltFor, Carried, Deployed, PermittedVersion, Slot, Verified
from handrail.delivery.domain.confirming import Confirmation, Go, Hook, Standing, confirm
from handrail.delivery.domain.health import (
    BOUNDS_S,
    REQUESTS,
    Fault,
    HealthBin,
    HealthSample,
    Load,
    bucket_of,
    fault_of,
)
from handrail.delivery.domain.keys import EVERY_RIGHT, KEY_PREFIX, KeyRing, Right, ServingKey
from handrail.delivery.domain.splits import CHAMPION, Assigned, Challenger, Change, End, Role, Split
from handrail.delivery.domain.steps import Judged, Next, Rollout
from handrail.delivery.domain.swaps import Move, Outcome, Swap, earlier
from handrail.delivery.domain.turns import Lease, Turn, TurnChange, TurnLimits
from handrail.delivery.health_ports import HealthRecords
from handrail.delivery.key_ports import KeyBook
from handrail.delivery.ports import Bentos, Deployments, Permits, Recipe, Trees
from handrail.delivery.service import (
    NEEDS,
    Deployer,
    NewChallenger,
    Splitter,
    Swapper,
    Target,
    Trusted,
    code_digest,
    find_carried,
    find_serving,
    lend_verified,
    parcel,
)
from handrail.delivery.service.keys import Keys
from handrail.delivery.service.turns import LEASE_S, HeldTurn, Turns
from handrail.delivery.split_ports import Splits
from handrail.delivery.swap_ports import Swaps
from handrail.delivery.turn_ports import TurnBook
from handrail.shares import FALLBACK

__all__ = [
    "BOUNDS_S",
    "CHAMPION",
    "EVERY_RIGHT",
    "FALLBACK",
    "KEY_PREFIX",
    "LEASE_S",
    "REQUESTS",
    "NEEDS",
    "Assigned",
    "Bentos",
    "BuiltBento",
    "BuiltFor",
    "Carried",
    "Challenger",
    "Change",
    "Confirmation",
    "Deployed",
    "Deployer",
    "Deployments",
    "End",
    "HeldTurn",
    "Go",
    "Hook",
    "Judged",
    "KeyBook",
    "KeyRing",
    "Keys",
    "Lease",
    "Fault",
    "HealthBin",
    "HealthRecords",
    "HealthSample",
    "Load",
    "Move",
    "NewChallenger",
    "Next",
    "Outcome",
    "Permits",
    "PermittedVersion",
    "Recipe",
    "Right",
    "Role",
    "Rollout",
    "ServingKey",
    "Slot",
    "Split",
    "Splits",
    "Splitter",
    "Swap",
    "Swapper",
    "Swaps",
    "Target",
    "Standing",
    "Trees",
    "Turn",
    "TurnBook",
    "TurnChange",
    "TurnLimits",
    "Turns",
    "Trusted",
    "Verified",
    "bucket_of",
    "code_digest",
    "earlier",
    "fault_of",
    "confirm",
    "find_carried",
    "find_serving",
    "lend_verified",
    "parcel",
]
