"""What outlives a process: jobs, pictures, keys and counts, in a database and a folder of blobs.

The server and its workers meet here and nowhere else. Nothing here needs torch.
"""

from unclip.store.blobs import Blobs
from unclip.store.jobs import Jobs
from unclip.store.keys import Keys
from unclip.store.limits import Limits
from unclip.store.records import (
    ENDED,
    Allowance,
    FinishedPicture,
    Job,
    JobError,
    JobProgress,
    Key,
    Leased,
    LeaseLost,
    NewKey,
    Preview,
    QueueFull,
    QuotaExceeded,
    Seen,
    State,
    StoredPicture,
    StoreError,
    Swept,
    WorkerStats,
)
from unclip.store.store import Store

__all__ = [
    "ENDED",
    "Allowance",
    "Blobs",
    "FinishedPicture",
    "Job",
    "JobError",
    "JobProgress",
    "Jobs",
    "Key",
    "Keys",
    "LeaseLost",
    "Leased",
    "Limits",
    "NewKey",
    "Preview",
    "QueueFull",
    "QuotaExceeded",
    "Seen",
    "State",
    "Store",
    "StoreError",
    "StoredPicture",
    "Swept",
    "WorkerStats",
]
