"""Analyses of what networks learned: pure functions on arrays, whose results are NamedTuples.

Nothing here imports models, tasks or plotting, and no input is ever modified.
"""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "results": """
            AxisSeparation Bootstrap Chronometric ChoiceClustering Comparison Condensation
            ThresholdCrossing Decoding Dimensionality DynamicalSimilarity AccuracyByDuration
            EpochSelectivity FixedPoints RampIndex ScalarVariability TemporalScaling Milestones
            Lyapunov Manifold MultisensoryRatio PCA ConditionAverage PhasePlane PSTH Aligned
            Psychometric RegressionAxes Selectivity Spectrum Timescales TrainingSpectra
            TrajectorySpectra Tuning TuningCorrelation Weibull
        """,
        "behaviour": """
            weibull chronometric accuracy_by_duration threshold_crossing multisensory_ratio
            bootstrap milestones
        """,
        "coding": """
            align psth sort_by_peak dprime_by_epoch tuning tuning_correlation timescales
            regression_axes axis_separation dimensionality
        """,
        "spectra": "jacobian jacobian_spectrum trajectory_spectra training_spectra",
        "similarity": "nrmse aligned_nrmse linear_cka procrustes_distance subspace_angles dsa_distance",
        "_condense": "INCOMING METHODS",
        "_decoding": "DECODERS",
        "_merging": "SIMILARITIES",
    },
)
