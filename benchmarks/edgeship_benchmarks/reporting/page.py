"""Page: to come."""

from edgeship_benchmarks.reporting.report import Report


def page(report: Report) -> str:
    """To come."""
    return report.command
