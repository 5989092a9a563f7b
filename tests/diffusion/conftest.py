import pytest
from gaussian_mixture import Mixture, three_modes, two_wide

from unclip.diffusion.schedule import Schedule, make_schedule


@pytest.fixture(params=["cosine", "linear", "flow"])
def schedule(request: pytest.FixtureRequest) -> Schedule:
    return make_schedule(request.param)


@pytest.fixture
def mixture(schedule: Schedule) -> Mixture:
    return three_modes(schedule)


@pytest.fixture
def smooth(schedule: Schedule) -> Mixture:
    return two_wide(schedule)
