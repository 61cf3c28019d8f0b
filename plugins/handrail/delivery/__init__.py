"""Delivery: what may be served, and where a slot of an environment points. These are the public names."""

from handrail.delivery.domain import BuiltBento, BuiltFor, Carried, Deployed, PermittedVersion, Slot, Verified
from handrail.delivery.ports import Bentos, Deployments, Permits, Recipe, Trees
from handrail.delivery.service import Deployer, find_carried, find_serving, lend_verified

__all__ = [
    "Bentos",
    "BuiltBento",
    "BuiltFor",
    "Carried",
    "Deployed",
    "Deployer",
    "Deployments",
    "PermittedVersion",
    "Permits",
    "Recipe",
    "Slot",
    "Trees",
    "Verified",
    "find_carried",
    "find_serving",
    "lend_verified",
]
