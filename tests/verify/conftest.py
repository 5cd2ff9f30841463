"""What several tests of `verify` share."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Torch on one thread: on small tensors a second costs more than it brings."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
