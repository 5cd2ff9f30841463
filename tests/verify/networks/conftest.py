"""Networks need torch and safetensors."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
