import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import analysis, plotting

from .reading import legend_texts

RNG = np.random.default_rng(0)
N, N_E = 10, 7
EXCITATORY = np.arange(N) < N_E
CHOICE = np.arange(40) % 2
RATES = RNG.random((20, 40, N)) + 0.3 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
SELECTIVE = analysis.coding.dprime_by_epoch(RATES, CHOICE, {"a": (0, 4)})


def test_dprime_scatter_is_blue_and_red_with_identity_line():
    result = analysis.coding.dprime_by_epoch(
        RATES, CHOICE, {"fixation": (0, 4), "stimulus": (4, 12), "decision": (12, 20)}
    )
    ax = plotting.coding.plot_dprime_by_epoch(result, x="stimulus", excitatory=EXCITATORY)
    e, i = (one for one in ax.lines if one.get_marker() in ("o", "^"))
    np.testing.assert_array_equal(e.get_xydata(), result.d_prime[[1, 2]][:, :N_E].T)
    np.testing.assert_array_equal(i.get_xydata(), result.d_prime[[1, 2]][:, N_E:].T)
    assert (e.get_color(), i.get_color()) == (plotting.E_COLOR, plotting.I_COLOR)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("d' in stimulus", "d' in decision")
    assert ax.texts[0].get_text() == f"r = {result.correlation[1, 2]:.2f}"
    odd = result._replace(d_prime=np.where(np.arange(N) == 0, np.inf, result.d_prime))
    assert legend_texts(plotting.coding.plot_dprime_by_epoch(odd)) == ["unit", "1 infinite, not shown"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.coding.plot_dprime_by_epoch(SELECTIVE, x="b"),
            r"`x` and `y` must be among the epochs a; got 'b'",
        ),
        (lambda: plotting.coding.plot_dprime_by_epoch(SELECTIVE, excitatory=[True]), r"`excitatory` must be bools"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
