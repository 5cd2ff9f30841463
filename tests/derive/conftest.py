"""What several tests of `derive` share."""

import pytest
from hypothesis import settings

# The same examples in every run.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="module")
def one_thread():
    """Torch on one thread: on small tensors a second costs more than it brings."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
