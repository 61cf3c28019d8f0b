"""The slot that an environment serves a bento from, and the deployment that the slot points at."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.refs import BentoTag, Deployment

SHADOW = "-shadow"


@dataclass(frozen=True, slots=True)
class Slot:
    """The one place in an environment that bentos of a name are served from."""

    environment: str
    bento: str

    @property
    def pointer(self) -> str:
        """The moving name of what is served here: `deploy://<environment>/<bento>`."""
        return f"deploy://{self.environment}/{self.bento}"

    @property
    def shadow(self) -> Slot:
        """The slot of what only answers in shadow here: no outcome of the served answer is taken for its."""
        return Slot(self.environment, f"{self.bento}{SHADOW}")

    @property
    def behind(self) -> Slot | None:
        """The slot that this one would be the shadow of, by its name; None if its name says nothing such."""
        return Slot(self.environment, self.bento.removesuffix(SHADOW)) if self.bento.endswith(SHADOW) else None

    def deployment(self, bento_version: str) -> Deployment:
        """Return the deployment of a version of the bento in this slot."""
        return Deployment(self.environment, self.bento, bento_version)

    def tag_of(self, deployment: str) -> BentoTag:
        """Return the bento that a deployment of this slot (its URI) serves."""
        return BentoTag(self.bento, deployment.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a slot serves from now on; `reused` if the bento was there before."""

    deployment: Deployment
    bento: BentoTag
    bento_digest: str
    model_version: str
    tree_digest: str
    reused: bool
