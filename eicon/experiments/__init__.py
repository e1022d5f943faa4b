"""Old path of `eicon.studies`, `eicon.runs`, `eicon.pages` and `eicon.reproduce`, to be removed in 0.3.0."""

from .._moved import moved

_HOMES = {
    "eicon.pages": "compare_runs comparison_tables explore_network explore_run write_report",
    "eicon.pages.results": "Explorer",
    "eicon.runs": """
        analyze_run Protocol condense_run read_condensation DynamicsRequest
        perturb_run create_run open_run train_run ConfigError SweepError create_sweep open_sweep
        run_sweep sweep_results
    """,
    "eicon.runs._condense": "stages",
    "eicon.runs._condense_figures": "draw_condensation",
    "eicon.runs._dynamics_words": "dynamics_words",
    "eicon.runs._old_names": "override parse_sweep read_sweep",
    "eicon.runs._read": "results_path",
    "eicon.runs.results": "Run Sweep",
    "eicon.studies": """
        condense_network dt_report dynamics_of exponents_of held_inputs perturbation_effects
    """,
    "eicon.studies._perturb": "parse_perturbation",
    "eicon.studies.results": "CondensedNetwork DtRow Dynamics Exponents HeldInputs PerturbationEffect",
}
_RENAMED = {
    "parse_config": "eicon.runs.parse_recipe",
    "read_config": "eicon.runs.read_recipe",
    "RunConfig": "eicon.runs.Recipe",
    "SweepConfig": "eicon.runs.Recipe",
    "demo_config": "eicon.runs._read.demo_recipe",
    "record": "eicon.runs._analyze.respond",
    "Recording": "eicon.studies.results.Responses",
    "song2016": "eicon.reproduce.song2016",
}

__getattr__ = moved(
    __name__, {name: f"{room}.{name}" for room, names in _HOMES.items() for name in names.split()} | _RENAMED
)
