"""A serving process except for its answers: load the permitted model, drain the spool, say why it is not ready."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.delivery import open_splits, open_swapper
from handrail.bootstrap.feedback import open_spool
from handrail.bootstrap.streams import SpoolTarget
from handrail.delivery import Challenger, PermittedVersion, Slot
from handrail.entrypoints.bentoml.challengers import Challengers
from handrail.entrypoints.bentoml.champions import Champions, Host, Served
from handrail.entrypoints.bentoml.collect import bento_digest
from handrail.entrypoints.bentoml.features import FeatureRepo, Items, OnlineFeatures
from handrail.entrypoints.bentoml.health_keeper import HealthKeeper
from handrail.entrypoints.bentoml.predictor import Identity, Predictor
from handrail.entrypoints.bentoml.starting import choices_of, load_first, own_code
from handrail.entrypoints.bentoml.traffic import Beside, Traffic
from handrail.entrypoints.bentoml.watch import Watch
from handrail.entrypoints.hosts.recording import PATIENCE_S, record
from handrail.errors import HandrailError
from handrail.lineage import Lineage
from handrail.refs import BentoTag, Deployment
from handrail.scoring import Scorer
from handrail.use_case import UseCase

DRAIN_EVERY_S = 0.5
STARTING = "The model is still being loaded. Ask again in a few seconds."
NO_MODEL = (
    "No permitted model exists yet: nothing is served until the gate has approved one. "
    "Run `make demo`, or train, promote and deploy a model."
)

_log = logging.getLogger("handrail.bentoml")


class Worker:
    """One serving process. Each version has a thread, so the event loop stays free for health checks."""

    def __init__(self, platform: Platform, root: Path, case: UseCase, repo: FeatureRepo) -> None:
        """Serve what is below `root`, with the features of `repo`; nothing is opened before `start`."""
        self._platform = platform
        self._case, self._repo = case, repo
        self._root = root
        self._spool, self._target = open_spool(platform.settings), SpoolTarget(platform)
        self.watch = Watch(Slot(platform.settings.environment, case.name).pointer)
        self._health = HealthKeeper(platform, self.watch)
        self._traffic = Traffic(None, self._challenger_failed, self.watch)
        self._permits: dict[str, str] = {}
        """The URI of the permit of each deployment that was loaded."""
        self._champions: Champions | None = None
        self._challengers: Challengers | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._reason: str | None = STARTING

    def not_ready(self) -> str | None:
        """Return the sentence why nothing is predicted, None if it is."""
        return None if self._traffic.champion is not None else self._reason

    def status(self) -> dict[str, Any]:
        """Return which deployment answers, and which one is deployed and not served, with the reason."""
        return self._champions.status() if self._champions is not None else {}

    async def start(self, bento: BentoTag) -> None:
        """Load the permitted model if there is one; if it may not be served, stay up and say why."""
        own = Slot(self._platform.settings.environment, bento.name).deployment(bento.version).uri
        code = await asyncio.to_thread(own_code, self._root)
        swapper = partial(open_swapper, self._platform, bento.name)
        host = Host(self._predictor, self._note, self._answers)
        champions = self._champions = Champions(swapper, host, self._traffic, code or "")
        try:
            choices = await asyncio.to_thread(choices_of, self._platform.settings, self._root, own, code, swapper)
            first = await load_first(choices, host)
            self._reason = NO_MODEL
            if first is not None:
                champions.begin(first)
        except HandrailError as err:
            self._reason = str(err)
            _log.error("Not ready: %s", err)
        self.watch.ready(champions.serving is not None)
        if code is not None:
            self._tasks.append(asyncio.create_task(champions.follow()))
        if code is not None or champions.serving is not None:
            splits = partial(open_splits, self._platform, bento.name)
            self._challengers = Challengers(splits, self._challenger, self._beside)
            self._tasks.append(asyncio.create_task(self._challengers.follow()))
        self._tasks.append(asyncio.create_task(self._tend(os.getppid())))
        # A collection over the heap of the imported tools pauses every request for a quarter of a second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    async def stop(self) -> None:
        """Give up the threads and connections, and move what is spooled into the log."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._challengers is not None:
            self._challengers.close()
        if self._champions is not None:
            self._champions.close()
        try:
            self._spool.close()
        except HandrailError as err:
            _log.error("%s", err)
        await asyncio.to_thread(self._drain)
        await asyncio.to_thread(self._health.keep)
        self._target.close()
        self._platform.close()

    async def answer(self, items: Items) -> dict[str, Any]:
        """Let the champion and those beside it predict; return the body of the answer.

        Raises:
            HandrailError: the answer cannot be given now; nothing was recorded.
        """
        return await self._traffic.answer(items)

    def _answers(self, served: Served) -> None:
        """Say who is champion from now on."""
        self.watch.champion(served.deployment, served.model_version, self._permits.get(served.deployment, ""))
        self.watch.ready(True)

    def _beside(self, beside: Beside | None) -> None:
        """Let others answer beside the champion from now on."""
        self._traffic.follow(beside)
        self.watch.beside([each for each in beside.split.challengers if beside.can(each.name)] if beside else [])

    def _challenger_failed(self, challenger: Challenger, sentence: str) -> None:
        if self._challengers is not None:
            self._challengers.failed(challenger, sentence)

    def _challenger(self, challenger: Challenger, scorer: Scorer) -> Predictor:
        """Make what answers for a challenger; called on its own thread."""
        return self._predictor(challenger.deployment, challenger.model_version, scorer)

    def _predictor(self, deployment: str, version: str, scorer: Scorer) -> Predictor:
        """Make what answers with a loaded model, with connections of the thread that calls this.

        Raises:
            Refused: the features that it was trained with are not registered.
        """
        features = OnlineFeatures(self._platform.settings, self._case, self._repo, scorer.feature_service)
        features.warm_up(self._platform.event_clock())
        return Predictor(
            scorer=scorer,
            look_up=features,
            keep=self._spool.append,
            now=self._platform.event_clock,
            identity=Identity(deployment, version, scorer.feature_service["name"]),
            case=self._case,
        )

    def _note(self, deployment: str, folder: Path, permitted: PermittedVersion) -> None:
        """Record what this process verified and serves; a checkout is not a bento, and nobody is kept waiting."""
        self._permits[deployment] = permitted.permit
        if not (folder / "bento.yaml").is_file():
            return
        environment, name, version = deployment.removeprefix("deploy://").split("/")

        def write(lineage: Lineage) -> None:
            lineage.record_deployment(
                Deployment(environment, name, version),
                BentoTag(name, version),
                bento_digest=bento_digest(folder),
                tree_digest=permitted.tree_digest,
            )

        with open_platform(self._platform.settings, PATIENCE_S) as impatient:
            record(f"the deployment {deployment}", write, lambda: impatient)

    async def _tend(self, supervisor: int) -> None:
        """Drain the spool again and again; end this process if its supervisor was killed.

        Nobody would restart or stop it then, and it would hold the port forever.
        """
        while os.getppid() == supervisor:
            await asyncio.to_thread(self._drain)
            if self._health.is_due():
                await asyncio.to_thread(self._health.keep)
            await asyncio.sleep(DRAIN_EVERY_S)
        _log.warning("The supervisor of this process is gone: it ends too.")
        signal.raise_signal(signal.SIGTERM)

    def _drain(self) -> None:
        try:
            receipt = self._spool.drain(self._target.record)
        except HandrailError as err:
            _log.warning("Predictions stay in the spool for now: %s", err)
            return
        if receipt.conflicts:
            _log.warning("%d predictions came twice with different content", len(receipt.conflicts))
