"""One job through the engine: its steps are told, its previews kept, its pictures handed in."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from unclip.errors import Refused
from unclip.pipeline.files import metadata_of
from unclip.requests import Request
from unclip.server.encoding import MEDIA_TYPES, encode
from unclip.server.logs import LOGGER
from unclip.server.metrics import FINISH
from unclip.store import FinishedPicture, JobProgress, Leased, Store
from unclip.types import Picture, Progress, Withheld

if TYPE_CHECKING:
    from PIL.Image import Image

    from unclip.engine import Engine

_log = logging.getLogger(f"{LOGGER}.worker")

REPORT_SECONDS = 0.25
"""No more often is a job's progress written. A job that was cancelled is noticed then too."""
PREVIEWED = ("decoder", "frames")
"""Stages whose steps change what a picture shows; those after them sharpen it."""


class Drawing:
    """A leased job.

    Args:
        count: told each step's stage and seconds.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        leased: Leased,
        count: Callable[[str, float], None],
    ) -> None:
        self._store = store
        self._engine = engine
        self._leased = leased
        self._count = count
        self._reported = -math.inf
        self._shown: Counter[int] = Counter()
        self._withheld: list[Withheld] = []

    def run(self, stopped: Callable[[], bool]) -> None:
        """Make the pictures that are missing, and hand each in as it is finished.

        One that the policy withholds is left out, and told in the log; the others go out. Where all
        are withheld, the job is refused.

        Args:
            stopped: asked after every step.

        Raises:
            Cancelled: `stopped` said so.
            LeaseLost: the job is no longer this worker's.
            InvalidArgument: the model cannot make it.
            Refused: the policy does not let it through.
            SigningError: there is no valid key to sign it with.
        """
        request = self._store.jobs.request(self._leased)
        missing = self._leased.missing
        if len(missing) == self._leased.job.wanted:
            self._draw(request, stopped, 0)
        else:
            for index in missing:  # an earlier attempt made others; a picture is the same alone
                self._draw(request.alone(index), stopped, index)
        for held in self._withheld:
            fields = {"job": self._leased.job.id, "seed": held.seed, "category": held.category}
            _log.warning("a picture is withheld", extra={"fields": fields})
        if len(self._withheld) == self._leased.job.wanted:
            raise Refused(self._withheld[0].message, self._withheld[0].category)

    def _draw(self, request: Request, stopped: Callable[[], bool], first: int) -> None:
        """Draw a request, whose first picture is that many in the job's."""
        before = time.perf_counter()
        for event in self._engine.stream(request, stopped, owner=self._leased.job.key):
            seconds = time.perf_counter() - before
            if isinstance(event, Progress):
                self._count(event.stage, seconds)
                self._report(event, request, first)
            elif isinstance(event, Picture):
                self._count(FINISH, seconds)
                self._hand_in(event, request, first)
            else:
                self._withheld.append(event)
            before = time.perf_counter()

    def _report(self, step: Progress, request: Request, first: int) -> None:
        wanted = self._leased.job.wants_previews
        shown = step.preview if is_previewed(step, wanted) else None
        now = time.monotonic()
        if shown is None and step.step < step.steps and now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        images = enumerate(() if shown is None else shown(), first + step.first)
        previews = {
            i: encode(image, "png")
            for i, image in images
            if self._shown[i] < wanted
            and self._engine.judge_picture(image, request).action == "allow"
        }
        self._shown.update(previews.keys())
        progress = JobProgress(step.stage, step.step, step.steps)
        self._store.jobs.report(self._leased, progress, previews)

    def _may_leave(self, preview: Image, request: Request) -> bool:
        return not self._engine.judge_picture(preview, request).refuses()

    def _hand_in(self, picture: Picture, request: Request, first: int) -> None:
        output = self._leased.job.output
        kind, compression = output["format"], output["compression"]
        recipe = metadata_of(picture)
        finished = FinishedPicture(
            index=first + picture.index,
            seed=picture.seed,
            media_type=MEDIA_TYPES[kind],
            width=picture.image.width,
            height=picture.image.height,
            clip_score=picture.clip_score,
            settings=recipe,
        )
        data = encode(picture.image, kind, compression, recipe)
        sealed = self._engine.seal(data, finished.media_type, request)
        self._store.jobs.add_picture(self._leased, finished, sealed.data)


def is_previewed(step: Progress, wanted: int) -> bool:
    """Whether a step is one of those, spread evenly over its stage, that are shown."""
    if step.preview is None or step.stage not in PREVIEWED:
        return False
    return step.step in {math.ceil(step.steps * k / (wanted + 1)) for k in range(1, wanted + 1)}
