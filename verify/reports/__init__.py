"""An audit as a report: a page of HTML, Markdown, or a section of LaTeX. They need the extra ``report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.running.lazily import lazily

if TYPE_CHECKING:
    from verify.reports.writing import page, write_report

__all__ = ["page", "write_report"]

__getattr__ = lazily(__name__, {"page": "writing", "write_report": "writing"})
