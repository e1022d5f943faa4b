"""Behaviour of a trained run under perturbations."""

from collections.abc import Mapping, Sequence

from ..models._perturbation import Perturbation
from ..studies import perturbation_effects
from ..studies._perturb import PerturbationEffect
from ..studies._responses import analysis_key
from ._run import Run


def perturb_run(
    run: Run,
    perturbations: Mapping[str, Perturbation | Sequence[Perturbation]],
    *,
    doses: Sequence[float | int] | None = None,
    repeats: int = 50,
) -> list[PerturbationEffect]:
    """Compute `perturbation_effects` of a trained run, on new trials."""
    net, task, key = run.load_network(), run.recipe.make_task(), analysis_key(run.recipe.seed)
    return perturbation_effects(net, task, perturbations, doses=doses, repeats=repeats, key=key)
