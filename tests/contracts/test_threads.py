"""One thread a test process: `tests/conftest.py` asks for it before torch is loaded, whatever is run first."""

import torch


def test_torch_has_one_thread():
    assert torch.get_num_threads() == 1
