"""Answers of `edgeship train`: what a run gave, as JSON and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeship_runtime.terminal import answer, counted

if TYPE_CHECKING:
    from edgeship_train.running import Outcome

_SAID = {
    "old_labels_before": "old labels, before:",
    "old_labels": "old labels, now:",
    "new_labels": "new labels:",
}


def to_json(outcome: Outcome) -> dict[str, object]:
    """Of one run."""
    manifest = outcome.manifest
    metrics = {
        name: {"accuracy": metric.accuracy, "samples": metric.samples} for name, metric in manifest.metrics.items()
    }
    return {
        "out": str(outcome.order.out),
        "report": str(outcome.order.report / "report.html"),
        "size_bytes": outcome.size_bytes,
        "parameters": int(outcome.trained.model.count_params()),
        "labels": list(manifest.labels),
        "metrics": metrics,
        "epochs": len(outcome.trained.history["loss"]),
        "best_epoch": outcome.trained.best_epoch,
        "seconds": round(outcome.trained.seconds, 3),
        "pictures_per_s": round(outcome.trained.pictures_per_s, 3),
        "carried": {
            "calibration": len(manifest.calibration),
            "proof": len(manifest.proof),
            "golden": len(manifest.golden),
        },
    }


def say_outcome(outcome: Outcome) -> None:
    """The last lines of a run."""
    manifest, out = outcome.manifest, outcome.order.out
    carried = [
        (manifest.calibration, "for calibration"),
        (manifest.proof, "for proof"),
        (manifest.golden, "golden sample" if len(manifest.golden) == 1 else "golden samples"),
    ]
    counts = ", ".join(f"{len(items)} {what}" for items, what in carried if items)
    for name, metric in manifest.metrics.items():
        answer(f"{_SAID.get(name, name)} accuracy {metric.accuracy:.4f} on {counted(metric.samples, 'picture')}")
    answer(f"carried in the file: {counts or 'no pictures'}")
    answer(f"wrote {out} ({outcome.size_bytes / 1e6:.1f} MB) and {outcome.order.report}/report.html")
