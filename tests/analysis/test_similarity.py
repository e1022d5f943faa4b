import numpy as np
import pytest
from scipy import linalg, spatial

from eicon.analysis import pca, similarity
from eicon.analysis.similarity import nrmse

T, B = 12, 9


def value_of(measure, **options):
    """Value of a measure alone, as a function of the same arguments."""
    return lambda *given, **more: measure(*given, n_permutations=0, **options, **more).value


linear_cka = value_of(similarity.linear_cka, debiased=False)
procrustes_distance = value_of(similarity.procrustes_distance)
subspace_angles = value_of(similarity.subspace_angles)


def aligned_nrmse(*given, **options):
    """As it is fitted and measured on the same samples."""
    return similarity.aligned_nrmse(*given, n_permutations=0, **options).plain


GEOMETRY = {"cka": linear_cka, "procrustes": procrustes_distance}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def rates(rng):
    return rng.normal(size=(T, B, 6)) @ (rng.normal(size=(6, 6)) * [5.0, 3.0, 2.0, 1.0, 0.5, 0.2]) + rng.normal(size=6)


def flat(x):
    x = x.reshape(-1, x.shape[-1])
    return x - x.mean(axis=0)


def rotation(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


def hsic_cka(a, b):
    """Kernel alignment by its definition: centred Gram matrices of all pairs of samples."""
    centre = np.eye(T * B) - 1 / (T * B)
    k, m = (centre @ (x.reshape(T * B, -1) @ x.reshape(T * B, -1).T) @ centre for x in (a, b))
    return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))


@pytest.mark.parametrize("n", [1, 4, 6, T * B + 5])
def test_cka_is_the_ratio_of_kernel_hsics(rates, rng, n):
    other = np.tanh(rates @ rng.normal(size=(6, n)) * 0.2)
    assert linear_cka(rates, other) == pytest.approx(hsic_cka(rates, other), rel=1e-10)
    assert linear_cka(other, rates) == pytest.approx(linear_cka(rates, other), rel=1e-12)


def test_cka_of_two_units_is_the_squared_correlation(rng):
    a, b = rng.normal(size=(2, T, B, 1))
    assert linear_cka(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1] ** 2, rel=1e-10)


def test_rotation_scale_shift_and_order_of_units_change_nothing(rates, rng):
    moved = 7.0 * rates @ rotation(rng, 6) + rng.normal(size=6)
    shuffled = rates[:, :, rng.permutation(6)]
    embedded = np.concatenate([rates, np.zeros((T, B, 3))], axis=2) @ rotation(rng, 9)
    for other in (rates, moved, shuffled, embedded):
        assert linear_cka(rates, other) == pytest.approx(1.0, abs=1e-12)
        assert procrustes_distance(rates, other) == pytest.approx(0.0, abs=1e-12)
        np.testing.assert_allclose(subspace_angles(rates, other, 3), 0.0, atol=1e-7)
        assert aligned_nrmse(rates, other, 3) == pytest.approx(0.0, abs=1e-7)
    stretched = rates * [1.0, 1.0, 1.0, 1.0, 1.0, 30.0]
    assert linear_cka(rates, stretched) < 0.9
    assert procrustes_distance(rates, stretched) > 0.2


@pytest.mark.parametrize("n", [2, 6, 8])
def test_procrustes_angle_against_scipy(rates, rng, n):
    other = np.tanh(rates @ rng.normal(size=(6, n)) * 0.2)
    wide = max(n, 6)
    a, b = (np.pad(flat(x), ((0, 0), (0, wide - x.shape[2]))) for x in (rates, other))
    angle = procrustes_distance(rates, other)
    assert np.sin(angle) ** 2 == pytest.approx(spatial.procrustes(a, b)[2], rel=1e-10)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    turn, _ = linalg.orthogonal_procrustes(b, a)
    assert np.cos(angle) == pytest.approx(np.sum(a * (b @ turn)), rel=1e-10)
    assert procrustes_distance(other, rates) == pytest.approx(angle, rel=1e-12)


def test_procrustes_angle_is_a_metric(rng):
    x, y, z = rng.normal(size=(3, T, B, 4))
    assert procrustes_distance(x, z) <= procrustes_distance(x, y) + procrustes_distance(y, z)


def test_orthogonal_time_courses_are_as_far_as_can_be():
    phase = 2 * np.pi * np.arange(T) / T
    a, b = (np.tile(f(phase)[:, None, None], (1, B, 1)) for f in (np.cos, np.sin))
    assert linear_cka(a, b) == pytest.approx(0.0, abs=1e-12)
    assert procrustes_distance(a, b) == pytest.approx(np.pi / 2)
    np.testing.assert_allclose(subspace_angles(a, b, 1), np.pi / 2)
    assert aligned_nrmse(a, b, 1) == pytest.approx(1.0)


def test_angles_are_the_canonical_correlations_of_the_components(rates, rng):
    other = np.tanh(rates @ rng.normal(size=(6, 5)) * 0.2)
    scores = [flat(pca(x, n_components=3).trajectories) for x in (rates, other)]
    # Canonical correlations by their definition: eigenvalues of Saa^-1 Sab Sbb^-1 Sba.
    aa, ab, bb = scores[0].T @ scores[0], scores[0].T @ scores[1], scores[1].T @ scores[1]
    squared = np.linalg.eigvals(np.linalg.solve(aa, ab) @ np.linalg.solve(bb, ab.T)).real
    angles = subspace_angles(rates, other, 3)
    np.testing.assert_allclose(np.cos(angles) ** 2, np.sort(squared)[::-1], rtol=1e-8)
    assert (np.diff(angles) > 0).all()


def test_angles_in_the_space_of_units_against_components(rates, rng):
    units = np.array([4, 0, 3, 1])
    other = rates[:, :, units] + 0.3 * rng.normal(size=(T, B, 4))
    bases = [pca(x, n_components=2).components.T for x in (rates[:, :, units], other)]
    expected = linalg.subspace_angles(*bases)[::-1]
    np.testing.assert_allclose(subspace_angles(rates, other, 2, units=units), expected, rtol=1e-8)
    turned = rates @ rotation(rng, 6)  # the same time courses in other units
    np.testing.assert_allclose(subspace_angles(rates, turned, 2), 0.0, atol=1e-7)
    assert subspace_angles(rates, turned, 2, units=np.arange(6)).max() > 0.3


def test_aligned_nrmse_is_the_residual_of_a_regression(rates, rng):
    other = np.tanh(rates @ rng.normal(size=(6, 5)) * 0.2) + 2.0
    target = pca(rates, n_components=2).trajectories.reshape(-1, 2)
    predictors = pca(other, n_components=2).trajectories.reshape(-1, 2)
    design = np.column_stack([predictors, np.ones(T * B)])
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    expected = np.sqrt(np.sum((fitted - target) ** 2) / np.sum((target - target.mean(axis=0)) ** 2))
    assert aligned_nrmse(rates, other, 2) == pytest.approx(expected, rel=1e-10)
    assert 0.05 < expected < 0.95
    assert aligned_nrmse(other, rates, 2) != pytest.approx(expected, rel=1e-3)


def test_nrmse_is_normalised_by_the_variance_of_the_reference(rates, rng):
    other = rates + rng.normal(size=rates.shape)
    error = variance = 0.0
    for unit in range(6):
        error += np.sum((rates[..., unit] - other[..., unit]) ** 2)
        variance += T * B * np.var(rates[..., unit])
    assert nrmse(rates, other) == pytest.approx(np.sqrt(error / variance), rel=1e-12)
    means = np.broadcast_to(rates.mean(axis=(0, 1)), rates.shape)
    assert nrmse(rates, means) == pytest.approx(1.0)
    assert nrmse(rates, rates) == 0.0
    assert nrmse(rates, 3.0 * rates - 2.0 * means) == pytest.approx(2.0)


def test_masked_samples_count_nowhere(rates, rng):
    other = np.tanh(rates @ rng.normal(size=(6, 6)) * 0.2)
    mask = rng.random((T, B)) < 0.7
    calls = [*GEOMETRY.values(), nrmse]
    calls += [lambda a, b, **k: subspace_angles(a, b, 2, **k), lambda a, b, **k: aligned_nrmse(a, b, 2, **k)]
    broken = [np.where(mask[..., None], x, np.nan) for x in (rates, other)]
    for call in calls:
        expected = call(rates[mask][:, None], other[mask][:, None])
        np.testing.assert_allclose(call(*broken, mask=mask), expected, rtol=1e-12)
        assert not np.allclose(call(rates, other), expected)


ONES = np.arange(24.0).reshape(3, 4, 2)


@pytest.mark.parametrize("call", [linear_cka, procrustes_distance, lambda a, b, **k: subspace_angles(a, b, 1, **k)])
@pytest.mark.parametrize(
    ("a", "b", "mask", "text"),
    [
        (ONES[0], ONES, None, r"`a` must be a non-empty \(T, B, N\) array; got shape \(4, 2\)"),
        (ONES, ONES[:, :3], None, r"`a` and `b` must contain the same trials, \(T, B\); got \(3, 4\) and \(3, 3\)"),
        (ONES, np.ones((3, 4, 5)), None, r"`b` must vary; got 12 identical samples. The network may be silent"),
        (ONES, ONES * np.nan, None, r"`b` must be finite; got 24 NaN"),
        (ONES, ONES, np.zeros((3, 4)), r"`mask` must leave at least 2 samples.*got 0"),
        (ONES, ONES, np.ones((4, 3)), r"`mask` must have shape \(T, B\) = \(3, 4\); got \(4, 3\)"),
    ],
)
def test_errors(call, a, b, mask, text):
    with pytest.raises(ValueError, match=text):
        call(a, b, mask=mask)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: nrmse(ONES, ONES[:, :, :1]),
            "must have the same number of units; got 2 and 1. Take the matching units",
        ),
        (lambda: nrmse(np.ones((3, 4, 1)), ONES[:, :, :1]), "`reference` must vary"),
        (lambda: subspace_angles(ONES, ONES, 2), r"must be in 1..1, the rank of the activity of `a`; got 2"),
        (lambda: aligned_nrmse(ONES, ONES, 0), r"the rank of the activity of `reference`; got 0"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[0]), r"for each of the N_b = 2 units.*got int64, shape \(1,\)"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[0, 0]), "a different unit of `a` in 0..1"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[0, 2]), "a different unit of `a` in 0..1"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[True, False]), "got bool"),
        (lambda: subspace_angles(ONES[0], ONES, 1, units=[0, 1]), r"`a` must be a non-empty \(T, B, N\)"),
        (lambda: similarity.cca(ONES, ONES, 2), r"must be in 1..1, the rank of the activity of `a`; got 2"),
        (lambda: similarity.rsa(ONES[:1, :2], ONES[:1, :2]), "at least 3 trials or conditions; got 2"),
        (lambda: similarity.linear_cka(ONES[:1, :3], ONES[:1, :3]), "at least 4 samples; got 3. Pass debiased=False"),
        (lambda: similarity.linear_cka(ONES, ONES, permute="conditions"), "must be trials or time here.*`conditions`"),
        (lambda: similarity.linear_cka(ONES, ONES, n_permutations=-1), "`n_permutations` must be >= 0; got -1"),
        (lambda: similarity.linear_cka(ONES, ONES, conditions=[0, 0, 0, 0]), "at least 2 levels .* got 1 of 1"),
        (lambda: similarity.linear_cka(ONES, ONES[:2], conditions=[0, 0, 1, 1]), "equally many steps.*got 3 and 2"),
        (lambda: similarity.linear_cka(ONES, ONES, conditions=[0, 1]), r"`conditions` must have shape \(B,\) = \(4,\)"),
        (lambda: similarity.linear_cka(ONES, ONES, mask=(ONES[..., 0],) * 3), r"a pair of them; got 3"),
        (lambda: similarity.compare_many({"one": ONES}), "at least two names"),
        (lambda: similarity.compare_many({"a": ONES, "b": ONES[:2]}), r"a \(a\) and b \(b\): .* same trials"),
    ],
)
def test_errors_of_one_measure(call, text):
    with pytest.raises(ValueError, match=text):
        call()


# ------------------------------------------------------------------------------ debiased, with a null and a ceiling


def by_hand(a, b, block):
    """Mean over samples of different blocks of the three terms of Song et al. (2012), one after the other."""
    k, m = a @ a.T, b @ b.T
    n = len(k)
    one, two, three = [], [], []
    for i in range(n):
        for j in range(n):
            if block[i] == block[j]:
                continue
            one.append(k[i, j] * m[i, j])
            for q in range(n):
                if block[q] in (block[i], block[j]):
                    continue
                two.append(k[i, j] * m[i, q])
                three += [k[i, j] * m[q, r] for r in range(n) if block[r] not in (block[i], block[j], block[q])]
    return np.mean(one) + np.mean(three) - 2 * np.mean(two)


@pytest.mark.parametrize("lengths", [[1] * 7, [2] * 5, [3, 1, 2, 2, 1]])
def test_debiased_cka_is_that_of_pairs_of_samples_of_different_trials(rng, lengths):
    inside = np.arange(max(lengths))[:, None] < np.array(lengths)
    a, b = rng.normal(size=(*inside.shape, 3)) + 1.0, rng.normal(size=(*inside.shape, 4))
    flat_a, flat_b = (flat(x.swapaxes(0, 1)[inside.T]) for x in (a, b))
    block = np.repeat(np.arange(len(lengths)), lengths)
    own = by_hand(flat_a, flat_a, block) * by_hand(flat_b, flat_b, block)
    expected = by_hand(flat_a, flat_b, block) / np.sqrt(own)
    found = similarity.linear_cka(a, b, mask=inside, n_permutations=0)
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert found.n == len(lengths)


def noise(rng, n_units, smooth):
    """60 trials of 30 steps; smooth: a walk that forgets."""
    white = rng.normal(size=(30, 60, n_units))
    if not smooth:
        return white
    for step in range(1, 30):
        white[step] += 0.95 * white[step - 1]
    return white


def test_independent_noise_is_near_zero_and_not_significant(rng):
    """Row 17: .67 of 40 samples of 60 and 100 units."""
    found = [
        similarity.linear_cka(rng.normal(size=(1, 40, 60)), rng.normal(size=(1, 40, 100)), n_permutations=39)
        for _ in range(30)
    ]
    assert 0.6 < np.mean([one.plain for one in found]) < 0.72
    assert abs(np.mean([one.value for one in found])) < 0.02
    assert max(abs(one.value) for one in found) < 0.12
    assert np.mean([one.p <= 0.05 for one in found]) < 0.2
    smooth = [similarity.linear_cka(noise(rng, 40, True), noise(rng, 50, True), n_permutations=0) for _ in range(20)]
    assert np.mean([one.plain for one in smooth]) > 0.1
    assert abs(np.mean([one.value for one in smooth])) < 0.01


@pytest.mark.parametrize(
    "name", ["linear_cka", "procrustes_distance", "cca", "rsa", "aligned_nrmse", "subspace_angles"]
)
def test_every_measure_tells_noise_from_the_same_activity(name, rng):
    measure = getattr(similarity, name)
    k = () if name in ("linear_cka", "procrustes_distance", "rsa") else (3,)
    a = rng.normal(size=(5, 30, 8))
    alike = measure(a, 3.0 * a[:, :, ::-1] + 1.0 + 0.1 * rng.normal(size=a.shape), *k, n_permutations=39)
    apart = [measure(a, rng.normal(size=(5, 30, 12)), *k, n_permutations=39).p for _ in range(5)]
    assert np.max(alike.p) == pytest.approx(1 / 40)
    assert np.median(apart) > 0.05
    assert (alike.n, alike.permuted, len(alike.null)) == (30, "trials", 39)
    smaller = name in ("procrustes_distance", "aligned_nrmse", "subspace_angles")
    first, second = (alike.value, alike.null_95) if smaller else (alike.null_95, alike.value)
    assert np.all(first < second)
    assert np.all(np.isfinite(alike.chance))
    assert np.isnan(alike.ceiling).all()  # there are no repeats
    np.testing.assert_array_equal(measure(a, a, *k, n_permutations=9).null, measure(a, a, *k, n_permutations=9).null)
    bare = measure(a, a, *k, n_permutations=0)
    assert np.isnan(bare.p).all()
    assert np.isnan(bare.chance).all()


def test_null_is_that_of_exchanged_trials(rng):
    """Three trials of one length and two of another change places among themselves: twelve orders."""
    inside = np.arange(6)[:, None] < np.array([6, 4, 6, 4, 6])
    a, b = rng.normal(size=(2, 6, 5, 4))
    for measure in (similarity.linear_cka, similarity.procrustes_distance, similarity.rsa):
        allowed = [
            measure(a, b[:, [x, u, y, v, z]], mask=inside, n_permutations=0).value
            for x, y, z in ((0, 2, 4), (0, 4, 2), (2, 0, 4), (2, 4, 0), (4, 0, 2), (4, 2, 0))
            for u, v in ((1, 3), (3, 1))
        ]
        null = measure(a, b, mask=inside, n_permutations=200, permute="trials").null
        assert np.abs(null[:, None] - allowed).min(axis=1).max() < 1e-9
        assert len(np.unique(null.round(9))) == 12


def test_a_single_trial_is_turned_in_time(rng):
    a, b = rng.normal(size=(2, 12, 1, 3))
    found = similarity.linear_cka(a, b, n_permutations=300)
    assert (found.permuted, found.n) == ("time", 12)
    turned = [similarity.linear_cka(a, np.roll(b, by, axis=0), n_permutations=0).value for by in range(12)]
    assert np.abs(found.null[:, None] - turned).min(axis=1).max() < 1e-9
    assert len(np.unique(found.null.round(9))) == 12


def test_a_time_course_that_all_trials_share_is_in_the_null(rng):
    course = np.sin(np.linspace(0, 3, 25))[:, None, None]
    a, b = course * np.ones(4) + 0.3 * rng.normal(size=(2, 25, 40, 4))
    found = similarity.linear_cka(a, b, n_permutations=99)
    assert found.value > 0.4
    assert found.chance == pytest.approx(found.value, abs=0.02)


def recorded(rng, means, repeats, level):
    """Trials (T, B, N) of conditions (T, C, N), each with noise of its own, and their labels."""
    labels = np.repeat(np.arange(means.shape[1]), repeats)
    return means[:, labels] + level * rng.normal(size=(means.shape[0], labels.size, means.shape[2])), labels


MEASURES = {
    "cka": (similarity.linear_cka, lambda value: value),
    "rsa": (similarity.rsa, lambda value: value),
    "procrustes": (similarity.procrustes_distance, np.cos),
    "cca": (lambda a, b, **more: similarity.cca(a, b, 2, **more), lambda value: value),
    "aligned": (lambda a, b, **more: similarity.aligned_nrmse(a, b, 2, **more), lambda error: 1 - error**2),
}


@pytest.mark.battery
@pytest.mark.parametrize("name", MEASURES)
def test_two_recordings_of_the_same_are_at_the_noise_ceiling(name):
    """On average: without noise they are equal."""
    measure, agreement = MEASURES[name]
    values, limits = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        means = rng.normal(size=(6, 12, 2)) @ rng.normal(size=(2, 7))
        (a, of_a), (b, of_b) = recorded(rng, means, 8, 2.5), recorded(rng, means @ rotation(rng, 7), 6, 2.0)
        order = rng.permutation(of_b.size)
        found = measure(a, b[:, order], conditions=(of_a, of_b[order]), n_permutations=0)
        assert found.n == 12
        values.append(agreement(found.value))
        limits.append(agreement(found.ceiling))
    assert 0.3 < np.mean(limits) < 0.97
    assert np.mean(values) == pytest.approx(np.mean(limits), abs=0.06)


@pytest.mark.battery
def test_distances_of_few_trials_are_not_larger(rng):
    """Conditions with few trials lie far from all others by noise alone, in both networks: RSA of averages is high."""
    few = np.array([2, 30] * 6)
    found = []
    for _ in range(30):
        a, labels = recorded(rng, np.zeros((4, 12, 6)), few, 1.0)
        b, _ = recorded(rng, np.zeros((4, 12, 6)), few, 1.0)
        found.append(similarity.rsa(a, b, conditions=labels, n_permutations=0))
    assert np.mean([one.plain for one in found]) > 0.6
    assert abs(np.mean([one.value for one in found])) < 0.15


def test_conditions_are_matched_by_their_labels_and_the_rest_is_left_out(rng):
    means = rng.normal(size=(5, 6, 4))
    a, b = means[:, [0, 1, 2, 3, 4, 5, 0]], means[:, [5, 3, 2, 1, 0]][:, :, ::-1]
    names = np.array(list("abcdef"))
    found = similarity.linear_cka(
        a, b, conditions=(names[[0, 1, 2, 3, 4, 5, 0]], names[[5, 3, 2, 1, 0]]), n_permutations=9
    )
    assert found.value == pytest.approx(1.0)
    assert (found.n, found.n_left_out, found.permuted) == (5, 1, "conditions")
    assert np.isnan(found.ceiling)
    values = [0.1, 0.2, 0.1 + 0.2, 0.4, 0.5, 0.6, 0.1]
    nearly = similarity.linear_cka(a, b, conditions=(values, [0.6, 0.4, 0.3, 0.2, 0.1]), n_permutations=0)
    assert nearly.n == 5
    with pytest.raises(TypeError, match="text for both or numbers for both"):
        similarity.linear_cka(a, b, conditions=(values, names[:5]))


def test_repeats_of_different_length_have_a_ceiling(rng):
    a, labels = recorded(rng, rng.normal(size=(8, 5, 4)), 3, 0.5)
    inside = np.arange(8)[:, None] < np.tile([8, 6, 8], 5)
    found = similarity.linear_cka(a, a[:, :, ::-1], mask=inside, conditions=labels, n_permutations=0)
    assert found.value == pytest.approx(1.0)
    assert 0.5 < found.ceiling < 1.0


def test_held_out_correlations_of_noise_are_about_zero(rng):
    found = [
        similarity.cca(rng.normal(size=(2, 20, 6)), rng.normal(size=(2, 20, 6)), 4, n_permutations=0) for _ in range(30)
    ]
    assert np.mean([one.plain for one in found]) > 0.2
    assert abs(np.mean([one.value for one in found])) < 0.08
    errors = [
        similarity.aligned_nrmse(rng.normal(size=(2, 20, 6)), rng.normal(size=(2, 20, 6)), 4, n_permutations=0)
        for _ in range(30)
    ]
    assert np.mean([one.plain for one in errors]) < 1.0 < np.mean([one.value for one in errors])


def test_held_out_regression_is_that_of_its_folds(rng):
    a, b = rng.normal(size=(2, 3, 10, 4))
    b[..., 0] += a[..., 0]
    target, known = (pca(x, n_components=2).trajectories for x in (a, b))
    error = 0.0
    for fold in range(5):
        out = np.arange(10) % 5 == fold
        weights = np.linalg.lstsq(known[:, ~out].reshape(-1, 2), target[:, ~out].reshape(-1, 2), rcond=None)[0]
        error += np.sum((target[:, out] - known[:, out] @ weights) ** 2)
    found = similarity.aligned_nrmse(a, b, 2, n_permutations=0)
    assert found.value == pytest.approx(np.sqrt(error / np.sum(target**2)), rel=1e-8)


def test_unit_angles_have_a_null_of_other_units(rates, rng):
    found = similarity.subspace_angles(rates, rates + 0.1 * rng.normal(size=rates.shape), 2, units=np.arange(6))
    assert (found.permuted, found.n) == ("units", 6)
    assert (found.value < 0.2).all()
    assert (found.chance > found.value).all()


def test_many_are_compared_as_each_two(rng):
    rates = {name: rng.normal(size=(4, 10, n)) for name, n in (("one", 5), ("two", 3), ("three", 8))}
    for measure, function in (("cka", similarity.linear_cka), ("procrustes", similarity.procrustes_distance)):
        found = similarity.compare_many(rates, measure=measure, n_permutations=19)
        assert found.names == ("one", "two", "three")
        single = function(rates["one"], rates["three"], n_permutations=19)
        for what in ("value", "chance", "null_95", "p"):
            matrix = getattr(found, what)
            assert matrix[0, 2] == matrix[2, 0] == pytest.approx(getattr(single, what))
        assert found.n[1, 2] == 10
        assert np.diag(found.value).tolist() == [float(measure == "cka")] * 3
    labels = {"one": np.arange(10) % 5, "two": np.arange(10) // 2, "three": np.arange(10)[::-1] % 5}
    found = similarity.compare_many(rates, measure="rsa", conditions=labels, n_permutations=0)
    single = similarity.rsa(rates["two"], rates["three"], conditions=(labels["two"], labels["three"]), n_permutations=0)
    assert found.value[1, 2] == pytest.approx(single.value)
    assert (found.n[1, 2], found.permuted) == (5, "conditions")
