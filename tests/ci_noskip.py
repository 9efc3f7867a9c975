"""Where `CHANCERY_CI=1` is set a skipped test is a failed one: CI has to bring everything that the tests need."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure counts as skipped too, but it ran.
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CHANCERY_CI") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"Skipped, which CI does not allow: {reason.removeprefix('Skipped: ')}"


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skipping of a test into its failure."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skipping of a whole module into its failure."""
    report = yield
    _refuse_skip(report)
    return report
