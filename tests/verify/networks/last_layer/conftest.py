"""The last layer needs torch."""

import pytest

pytest.importorskip("torch")
