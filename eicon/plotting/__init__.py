"""Figures of network activity and of analysis results; each file is named after the analysis that it draws.

Only this package and the paper panels in `eicon.reproduce` import matplotlib.

Functions draw into the Axes that they are given, or make their own figure in the house style, and return what they
drew into. None of them shows, saves or closes a figure, except `save_figures` and `save_png`, which write drawings
and close them.
"""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "behaviour": "plot_weibull plot_chronometric plot_accuracy_by_duration plot_multisensory plot_eye_paths",
        "coding": """
            plot_psth plot_psth_heatmap plot_dprime_by_epoch plot_tuning plot_tuning_correlation
            plot_timescales plot_decoding plot_generalisation plot_dimensionality plot_state_space
        """,
        "spectra": "plot_training_spectra plot_trajectory_spectra",
        "similarity": """
            plot_pair plot_outputs plot_produced_times plot_ramp_index plot_variance_explained
            plot_dynamical_similarity
        """,
        "circuits": """
            plot_membrane animate_membrane spike_shape plot_two_neurons animate_two_neurons
            plot_respiration animate_respiration plot_ring animate_ring inline save_animation
        """,
        "_multisensory": "SENSE_COLORS",
        "_compare": "PAIR_COLORS",
        "_phase_plane": "NULLCLINE_COLORS",
        "_style": "coherence_cmap weight_cmap",
        "_files": "Drawing save_png",
        "_sweep": "run_milestones",
        "_animation": "Inline",
        "_fixed_points_page": "fixed_points_page",
        "_overview": "plot_overview",
    },
)
