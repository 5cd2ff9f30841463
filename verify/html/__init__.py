"""An audit as one self-contained page of HTML. It needs Jinja2 and math-core, the extra ``html``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.lazily import lazily

if TYPE_CHECKING:
    from verify.html.report import page, write_page

__all__ = ["page", "write_page"]

__getattr__ = lazily(__name__, {"page": "report", "write_page": "report"})
