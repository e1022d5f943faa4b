"""Similarity of networks: trajectories, representations, dynamics, fixed points and effects, each with its null."""

from ._compare import compare_many as compare_many
from ._dsa import dsa_distance as dsa_distance
from ._effects import effect_similarity as effect_similarity
from ._matched_points import match_points as match_points
from ._similarity import aligned_nrmse as aligned_nrmse
from ._similarity import cca as cca
from ._similarity import linear_cka as linear_cka
from ._similarity import nrmse as nrmse
from ._similarity import procrustes_distance as procrustes_distance
from ._similarity import rsa as rsa
from ._similarity import subspace_angles as subspace_angles
