"""Old path of what is now in `eicon.studies`, `eicon.runs`, `eicon.pages` and `eicon.reproduce`; it goes in 0.3.0."""

from .._moved import moved

_HOMES = {
    "eicon.studies": """
        CondensedNetwork condense_network DtRow dt_report Dynamics Exponents HeldInputs dynamics_of
        exponents_of held_inputs PerturbationEffect parse_perturbation perturbation_effects
    """,
    "eicon.runs": """
        analyze_run draw_condensation Protocol condense_run read_condensation stages RunConfig demo_config
        parse_config read_config DynamicsRequest dynamics_words perturb_run Run create_run open_run
        train_run ConfigError Sweep SweepError create_sweep open_sweep run_sweep SweepConfig override
        parse_sweep read_sweep results_path sweep_results
    """,
    "eicon.pages": """
        compare_runs comparison_tables Explorer explore_network explore_run write_report
    """,
}
_RENAMED = {
    "record": "eicon.runs.respond",
    "Recording": "eicon.studies.Responses",
    "song2016": "eicon.reproduce.song2016",
}

__getattr__ = moved(
    __name__, {name: f"{room}.{name}" for room, names in _HOMES.items() for name in names.split()} | _RENAMED
)
