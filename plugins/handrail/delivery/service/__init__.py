"""The use cases of delivery: deploy a permitted tree, find what a slot serves, load what a permit covers."""

from handrail.delivery.service.deploying import Deployer
from handrail.delivery.service.packaging import NEEDS, Target, Trusted, parcel
from handrail.delivery.service.serving import find_carried, find_serving, lend_verified
from handrail.delivery.service.splitting import NewChallenger, Splitter
from handrail.delivery.service.swapping import Swapper, code_digest

__all__ = [
    "NEEDS",
    "Deployer",
    "NewChallenger",
    "Splitter",
    "Swapper",
    "Target",
    "Trusted",
    "code_digest",
    "find_carried",
    "find_serving",
    "lend_verified",
    "parcel",
]
