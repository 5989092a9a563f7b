"""Content credentials are written and read in a process of its own, which may die alone.

The native library parses what strangers send. Messages over the pipes are JSON with bytes beside
it, so that a process that was taken over can say nothing but data. Run as a module, this is that
process; it ends when its input does.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO

from unclip.errors import UnclipError

SECONDS = 30.0
"""What one picture may take."""

_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False},
}


class CredentialsError(UnclipError):
    """Content credentials cannot be written or read; the message says why."""


class Worker:
    """The process: started when first needed, again when it died, closed at exit."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def sign(
        self,
        manifest: dict[str, Any],
        picture: bytes,
        media_type: str,
        ingredients: Sequence[tuple[dict[str, Any], str, bytes]],
        chain: str,
        algorithm: str,
        signature: Callable[[bytes], bytes],
    ) -> bytes:
        """The picture with its manifest inside.

        Args:
            ingredients: what the manifest says of each, its media type, its bytes.
            signature: called in this process.

        Raises:
            CredentialsError: the manifest or the picture is refused, or the process died twice.
        """
        task = {
            "task": "sign",
            "manifest": manifest,
            "media_type": media_type,
            "ingredients": [[said, kind] for said, kind, _ in ingredients],
            "chain": chain,
            "algorithm": algorithm,
        }
        parts = [picture, *(data for _, _, data in ingredients)]
        return self._do(task, parts, signature)[1][0]

    def read(
        self, picture: bytes, media_type: str, anchors: str | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Whether a picture's credentials hold, and what they say.

        Args:
            anchors: certificates in PEM whose signatures count as trusted.

        Returns:
            "Trusted", "Valid" or "Invalid" with the manifest store, or "" and nothing if there is
            none.

        Raises:
            CredentialsError: the file cannot be parsed, or the process died twice.
        """
        task = {"task": "read", "media_type": media_type, "anchors": anchors}
        answer, _ = self._do(task, [picture])
        return answer["state"], answer["store"]

    def close(self) -> None:
        """End the process; the next task starts another."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was still to be written has no reader
                        pipe.close()

    def _do(
        self,
        task: dict[str, Any],
        parts: Sequence[bytes],
        signature: Callable[[bytes], bytes] | None = None,
    ) -> tuple[dict[str, Any], list[bytes]]:
        with self._turn:
            for _ in range(2):
                try:
                    return self._once(task, parts, signature)
                except (EOFError, OSError):
                    self.close()
        raise CredentialsError("content credentials: the process that handles them died twice")

    def _once(
        self,
        task: dict[str, Any],
        parts: Sequence[bytes],
        signature: Callable[[bytes], bytes] | None,
    ) -> tuple[dict[str, Any], list[bytes]]:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        limit = threading.Timer(self._seconds, process.kill)
        limit.daemon = True
        limit.start()
        try:
            _send(process.stdin, task, parts)
            while True:
                answer, blobs = _receive(process.stdout)
                if "error" in answer:
                    raise CredentialsError(f"content credentials: {answer['error']}")
                if "sign" not in answer:
                    return answer, blobs
                assert signature is not None
                try:
                    signed = signature(blobs[0])
                except Exception as error:  # whatever reaches a key elsewhere may raise
                    self.close()
                    raise CredentialsError(f"the key did not sign: {error}") from error
                _send(process.stdin, {}, [signed])
        finally:
            limit.cancel()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.close()
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process


@cache
def shared_worker() -> Worker:
    """The one of this process."""
    worker = Worker()
    atexit.register(worker.close)
    return worker


def _send(pipe: BinaryIO | Any, said: dict[str, Any], parts: Sequence[bytes] = ()) -> None:
    head = json.dumps({**said, "sizes": [len(part) for part in parts]}).encode()
    for part in (struct.pack("!I", len(head)), head, *parts):
        pipe.write(part)
    pipe.flush()


def _receive(pipe: BinaryIO | Any) -> tuple[dict[str, Any], list[bytes]]:
    said = json.loads(_exactly(pipe, struct.unpack("!I", _exactly(pipe, 4))[0]))
    return said, [_exactly(pipe, size) for size in said.pop("sizes")]


def _exactly(pipe: BinaryIO | Any, size: int) -> bytes:
    data: bytes = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _serve() -> None:
    import c2pa  # type: ignore[import-untyped]

    # Nothing that a library prints may get between the answers.
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def ask(data: bytes) -> bytes:
        _send(sink, {"sign": True}, [data])
        return _receive(source)[1][0]

    def sign(task: dict[str, Any], parts: list[bytes]) -> None:
        algorithm = c2pa.C2paSigningAlg[task["algorithm"].upper()]
        signer = c2pa.Signer.from_callback(ask, algorithm, task["chain"], None)
        context = c2pa.Context.from_dict(_SETTINGS)
        builder = c2pa.Builder(task["manifest"], context=context)
        for (said, kind), data in zip(task["ingredients"], parts[1:], strict=True):
            builder.add_ingredient(said, kind, io.BytesIO(data))
        signed = io.BytesIO()
        builder.sign(signer, task["media_type"], io.BytesIO(parts[0]), signed)
        _send(sink, {}, [signed.getvalue()])

    def read(task: dict[str, Any], parts: list[bytes]) -> None:
        trust = {"trust": {"user_anchors": task["anchors"]}} if task["anchors"] else {}
        context = c2pa.Context.from_dict({**_SETTINGS, **trust})
        reader = c2pa.Reader.try_create(task["media_type"], io.BytesIO(parts[0]), context=context)
        if reader is None:
            _send(sink, {"state": "", "store": {}})
        else:
            state = reader.get_validation_state()
            _send(sink, {"state": state, "store": json.loads(reader.json())})

    tasks = {"sign": sign, "read": read}
    while True:
        try:
            task, parts = _receive(source)
        except EOFError:
            return
        try:
            tasks[task["task"]](task, parts)
        except c2pa.C2paError as error:
            _send(sink, {"error": str(error)})


if __name__ == "__main__":
    _serve()
