"""A serving process except for its answers: load the permitted model, drain the spool, say why it is not ready."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.delivery import lend_carried, open_splits
from handrail.bootstrap.feedback import open_spool
from handrail.bootstrap.streams import SpoolTarget
from handrail.delivery import Challenger, Slot, find_carried
from handrail.entrypoints.bentoml.challengers import Challengers
from handrail.entrypoints.bentoml.collect import bento_digest
from handrail.entrypoints.bentoml.features import FeatureRepo, Items, OnlineFeatures
from handrail.entrypoints.bentoml.health_keeper import HealthKeeper
from handrail.entrypoints.bentoml.predictor import Identity, Predictor
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
    """One serving process. `answer` runs on a single thread, so the event loop stays free for health checks."""

    def __init__(self, platform: Platform, root: Path, case: UseCase, repo: FeatureRepo) -> None:
        """Serve what is below `root`, with the features of `repo`; nothing is opened before `start`."""
        self._platform = platform
        self._case, self._repo = case, repo
        self._root = root
        self._spool, self._target = open_spool(platform.settings), SpoolTarget(platform)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._traffic: Traffic | None = None
        self._challengers: Challengers | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._reason: str | None = STARTING
        self.watch = Watch(Slot(platform.settings.environment, case.name).pointer)
        self._health = HealthKeeper(platform, self.watch)

    def not_ready(self) -> str | None:
        """Return the sentence why nothing is predicted, None if it is."""
        return self._reason

    async def start(self, bento: BentoTag) -> None:
        """Load the permitted model if there is one; if it may not be served, stay up and say why."""
        loop = asyncio.get_running_loop()
        try:
            predictor = await loop.run_in_executor(self._thread, self._load, bento)
            self._reason = NO_MODEL if predictor is None else None
            if predictor is not None:
                self._serve(predictor, bento.name)
        except HandrailError as err:
            self._reason = str(err)
            _log.error("Not ready: %s", err)
        self.watch.ready(self._reason is None)
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
        self._thread.shutdown()
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
        if self._traffic is None:
            raise RuntimeError("The guard lets no request through before a model is loaded.")
        return await self._traffic.answer(items)

    def _serve(self, champion: Predictor, name: str) -> None:
        """Let the champion answer, and from then on whoever the split of its slot puts beside it."""
        loop = asyncio.get_running_loop()

        def failed(challenger: Challenger, sentence: str) -> None:
            challengers.failed(challenger, sentence)

        traffic = self._traffic = Traffic(
            champion, lambda work: loop.run_in_executor(self._thread, work), failed, self.watch
        )

        def use(beside: Beside | None) -> None:
            traffic.follow(beside)
            able = [each for each in beside.split.challengers if beside.can(each.name)] if beside else []
            self.watch.beside(able)

        splits = partial(open_splits, self._platform, name)
        challengers = self._challengers = Challengers(splits, self._challenger, use)
        self._tasks.append(asyncio.create_task(challengers.follow()))

    def _challenger(self, challenger: Challenger, scorer: Scorer) -> Predictor:
        """Make what answers for a challenger; called on its own thread."""
        return self._predictor(scorer, challenger.deployment, challenger.model_version)

    def _load(self, bento: BentoTag) -> Predictor | None:
        carried = find_carried(self._root)
        if carried is None:
            return None
        settings = self._platform.settings
        with lend_carried(settings, carried) as verified:
            scorer = Scorer.load(verified.tree)
            permitted = verified.permitted
        deployment = Slot(settings.environment, bento.name).deployment(bento.version)
        predictor = self._predictor(scorer, deployment.uri, permitted.version.uri)
        self.watch.champion(deployment.uri, permitted.version.uri, permitted.permit)
        self._record(deployment, bento, permitted.tree_digest)
        return predictor

    def _predictor(self, scorer: Scorer, deployment: str, version: str) -> Predictor:
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

    def _record(self, deployment: Deployment, bento: BentoTag, tree_digest: str) -> None:
        """Record what this process verified and serves; a checkout is not a bento, and nobody is kept waiting."""
        folder = self._root.parent
        if not (folder / "bento.yaml").is_file():
            return

        def write(lineage: Lineage) -> None:
            lineage.record_deployment(deployment, bento, bento_digest=bento_digest(folder), tree_digest=tree_digest)

        with open_platform(self._platform.settings, PATIENCE_S) as impatient:
            record(f"the deployment {deployment.uri}", write, lambda: impatient)

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
