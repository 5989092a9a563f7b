"""What the tests of provenance share: certificates, and one process that signs."""

import pytest
from PIL import Image
from provenance_pictures import RECIPE, from_files

from unclip.pipeline.files import encode_png
from unclip.provenance.keys import make_credential
from unclip.provenance.manifest import Signer
from unclip.provenance.worker import Worker


@pytest.fixture(scope="session")
def png():
    """A picture's file with its recipe, as one leaves."""
    return encode_png(Image.new("RGB", (64, 48), "red"), RECIPE)


@pytest.fixture(scope="session")
def worker():
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Write a credential that is valid so many days from now into a new folder."""

    def write(**how):
        folder = tmp_path_factory.mktemp("keys")
        for name, data in make_credential(**how).items():
            (folder / name).write_bytes(data)
        return folder

    return write


@pytest.fixture(scope="session")
def keys(written):
    return written(organisation="Our Studio")


@pytest.fixture(scope="session")
def signer(keys, worker):
    return Signer(from_files(keys), worker=worker)
