"""Trained models need torch."""

import pytest

pytest.importorskip("torch")
