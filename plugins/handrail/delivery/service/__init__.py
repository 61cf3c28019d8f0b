"""The use cases of delivery: deploy a permitted tree, find what a slot serves, load what a permit covers."""

from handrail.delivery.service.deploying import Deployer
from handrail.delivery.service.serving import find_carried, find_serving, lend_verified

__all__ = ["Deployer", "find_carried", "find_serving", "lend_verified"]
