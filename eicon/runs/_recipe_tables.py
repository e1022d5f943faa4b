"""Tables and keys of a recipe; `_recipe`, which imports JAX and BrainPy, makes objects from them.

A missing key is None here: its default is that of the constructor that receives it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from . import _grid
from ._own_code import is_own
from ._schema import NonNegative, Positive, PositiveInt, Rate, Section, among

Fraction = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Compat = Literal["", "bio_rnn_mem"]
"""Published code that a recipe can reproduce."""
Where = dict[str, str | tuple[str, ...]]
Number = float | dict[str, Any] | tuple[float, ...]

FORMAT: Literal[2] = 2
KINDS = ("dale", "free", "populations", "connectome")


_OF_ALL = frozenset(
    {
        *("kind", "positive", "cell", "cell_options", "activation", "tau", "parameters", "share", "train"),
        *("sigma_rec", "sigma_in", "bias", "readout_bias", "x0", "train_x0", "spectral_radius", "distribution"),
    }
)
_OF_KIND = {
    "dale": {"n_rec", "e_ratio", "free_input", "free_readout", "autapses", "start"},
    "free": {"n_rec", "rank", "start"},
    "populations": {
        *("populations", "recurrent", "input", "readout", "free_input", "free_readout", "autapses", "start")
    },
    "connectome": {"input_to", "readout_from", "init", "remap", "gain", "storage", "freeze"},
}


def keys_of_kind(kind: str) -> frozenset[str]:
    """Return the keys of ``[network]`` that apply to a kind of network."""
    found = _OF_ALL | _OF_KIND[kind]
    return found - {"positive"} if kind == "free" else found


class PopulationTable(Section):
    """Entry of ``network.populations``; see `eicon.models.Population`."""

    name: str
    n: PositiveInt
    type: Literal["E", "I", ""] = ""
    area: str = ""


class ProjectionTable(Section):
    """Entry of ``network.recurrent``, ``input`` or ``readout``; see `eicon.models.Projection`."""

    source: str = "*"
    target: str = "*"
    density: Fraction = 1.0
    weight: float | None = None


class NetworkTable(Section):
    """Table ``[network]``: a kind of network, and the arguments of its constructor.

    Kinds are ``dale`` (`eicon.models.RateRNN.dale`), ``free`` (all weights are free; of low rank with ``rank``),
    ``populations`` (`RateRNN.from_populations`) and ``connectome`` (`RateRNN.from_connectome`, of the connectome that
    the table ``[connectome]`` prepares).
    """

    kind: Literal["dale", "free", "populations", "connectome"] = "dale"
    n_rec: PositiveInt | None = None
    rank: PositiveInt | None = None
    e_ratio: Share | None = None
    positive: Literal["abs", "relu", "softplus"] | None = None
    free_input: bool | None = None
    free_readout: bool | None = None
    autapses: bool | None = None
    populations: tuple[PopulationTable, ...] = ()
    recurrent: tuple[ProjectionTable, ...] = ()
    input: tuple[ProjectionTable, ...] = ()
    readout: tuple[ProjectionTable, ...] = ()
    input_to: str | Where | None = None
    readout_from: str | Where | None = None
    init: Annotated[str, among("eicon.models._schemes.SCHEMES", "balanced")] | None = None
    remap: Annotated[str, among("eicon.models._anatomy.REMAPS")] | None = None
    gain: str | None = None
    storage: Literal["dense", "edges"] | None = None
    freeze: bool | None = None
    cell: str | tuple[str, ...] | None = None
    cell_options: dict[str, bool | float] | None = None
    activation: Annotated[str, among("eicon.models.cells.ACTIVATIONS")] | dict[str, Any] | None = None
    tau: Positive | dict[str, Positive] | None = None
    parameters: dict[str, Number] | None = None
    share: dict[str, str] | None = None
    train: tuple[str, ...] | None = None
    sigma_rec: NonNegative | None = None
    sigma_in: NonNegative | None = None
    bias: bool | None = None
    readout_bias: bool | None = None
    x0: float | dict[str, float] | None = None
    train_x0: bool | None = None
    start: Literal["slow", "balanced"] | None = None
    spectral_radius: Positive | Literal["drawn"] | None = None
    distribution: Annotated[str, among("eicon.models._distributions.DISTRIBUTIONS")] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "NetworkTable":
        allowed = keys_of_kind(self.kind)
        given = [name for name, value in self if name in self.model_fields_set and value not in (None, ())]
        if wrong := [name for name in given if name not in allowed]:
            raise ValueError(
                f"a network of kind {self.kind!r} has no {wrong[0]!r}; allowed: {', '.join(sorted(allowed))}."
            )
        if self.kind == "populations" and not self.populations:
            raise ValueError("a network of kind 'populations' needs the list `populations`.")
        if self.spectral_radius == "drawn" and self.kind != "connectome":
            raise ValueError("spectral_radius 'drawn' is only for networks on a connectome; here it must be a number.")
        return self


class JoinTable(Section):
    """Entry of ``connectome.join``: a table of units, matched by name; see `eicon.connectomes.read_units`."""

    file: str
    read: dict[str, Any] = Field(default_factory=dict)


class ConnectomeTable(Section):
    """Table ``[connectome]``: a wiring diagram, and all choices in its expansion to neurons, in order of application.

    Attributes
    ----------
    name, folder, rows, read : see `eicon.connectomes.load`; ``read`` contains the options of a file's reader
    regions : required number of units in the file
    join : tables of units to join to the connectome
    where : units to keep, by labels
    at_least, density : see `Connectome.thresholded`; a density of 1 keeps all connections
    symmetrise : rule that merges both directions, or "none"; see `Connectome.symmetrised`
    neurons : neurons of each region; 1 keeps the units; "ratio" and "rank" follow the densities of the data
    total, smallest, missing : see `eicon.connectomes.neurons_per_region`
    target_sparsity, partition : see `eicon.connectomes.expand`
    intrinsic, intrinsic_share, intrinsic_sparsity, intrinsic_of : see `eicon.connectomes.expand`
    autapses : keep connections of units to themselves
    null, null_options : null model, or "none"; see `Connectome.rewired`
    orientation : "reversed" reverses every connection
    signs : "known" keeps the signs of the data, "free" drops them, "dale" draws unknown ones
    sign_by : signs by the values of a label, e.g. ``{transmitter = {GABA = -1}}``; see `Connectome.signed`
    e_ratio : excitatory fraction of the drawn signs
    """

    name: str = "celegans"
    folder: str | None = None
    rows: Literal["source", "target", "symmetric"] | None = None
    read: dict[str, Any] = Field(default_factory=dict)
    regions: Annotated[int, Field(ge=0)] = 0
    join: tuple[JoinTable, ...] = ()
    where: Where | None = None
    at_least: Positive | None = None
    density: Fraction | None = None
    symmetrise: Literal["none", "max", "mean", "sum"] | None = None
    neurons: PositiveInt | tuple[PositiveInt, ...] | Literal["ratio", "rank"] = 1
    total: Annotated[int, Field(ge=0)] | None = None
    smallest: PositiveInt | None = None
    missing: Literal["error", "median", "smallest"] | None = None
    target_sparsity: Fraction | None = None
    intrinsic: bool | Literal["measured"] | None = None
    intrinsic_share: Share | None = None
    intrinsic_sparsity: Fraction | None = None
    intrinsic_of: Literal["outgoing", "incoming"] | None = None
    partition: Literal["equal", "random", "stick-breaking"] | None = None
    autapses: bool = False
    null: Annotated[str, among("eicon.connectomes._nulls.NULLS", "none")] = "none"
    null_options: dict[str, Any] = Field(default_factory=dict)
    orientation: Literal["forward", "reversed"] = "forward"
    signs: Literal["known", "free", "dale"] = "known"
    sign_by: dict[str, dict[str, Literal[-1, 0, 1]]] | None = None
    e_ratio: Share = 0.8

    @model_validator(mode="after")
    def _fits(self) -> "ConnectomeTable":
        if self.at_least is not None and self.density is not None:
            raise ValueError("at_least and density are alternative thresholds; give only one of them.")
        if self.sign_by and self.signs == "free":
            raise ValueError("sign_by sets signs, but signs = 'free' drops them; give only one of them.")
        return self


class RecordingTable(Section):
    """Table ``[recording]``: activity to which the network is fitted; see `eicon.training.Trainer`.

    Attributes
    ----------
    file : file or folder of the recording
    sha256 : checksum of the file; `eicon fit` saves it in the run, which rejects a changed file
    read : options of the reader; see `eicon.recordings.read`
    observed : recorded quantity, if it differs from that of the reader
    dt : step in ms of the resampled recording and of the network; by default the recording's
    units : names of the fitted units; by default all
    n_units : number of fitted units, the first ones in `order`; the others are only predicted
    order : "random", drawn with the seed, or a list of names
    held_out : fraction of held-out trials, drawn with the seed
    loss : weighting of errors; by default "poisson" for counts, otherwise "mse"
    beside_task : strength of the fit relative to the loss of `[task]`; without it there is no task
    """

    file: str = ""
    sha256: str = ""
    read: dict[str, Any] = Field(default_factory=dict)
    observed: Literal["rate", "current", "counts", "calcium", "output"] | None = None
    dt: Positive | None = None
    units: tuple[str, ...] = ()
    n_units: PositiveInt | None = None
    order: Literal["random"] | tuple[str, ...] = "random"
    held_out: Share | None = None
    loss: Literal["mse", "variance", "poisson"] | None = None
    beside_task: Positive | None = None

    @model_validator(mode="after")
    def _fits(self) -> "RecordingTable":
        if self.units and self.order != "random":
            raise ValueError("units and order both name the fitted units; give only one of them.")
        return self


class TrialsTable(Section):
    """Table ``[trials]``: source of trials; see `eicon.training.Sampled` and `eicon.training.Fixed`.

    ``fixed`` makes ``n`` trials of each condition once, of which a fraction ``train_size`` is for training.
    """

    kind: Literal["sampled", "fixed"] = "sampled"
    batch_size: PositiveInt | None = None
    same: bool | None = None
    n: PositiveInt | None = None
    train_size: Share | None = None
    mean: Literal["steps", "batches"] | None = None

    OF_FIXED: ClassVar[tuple[str, ...]] = ("n", "train_size", "mean")

    @model_validator(mode="after")
    def _fits(self) -> "TrialsTable":
        wrong = ("same",) if self.kind == "fixed" else self.OF_FIXED
        for name in wrong:
            if getattr(self, name) is not None:
                other = "sampled" if self.kind == "fixed" else "fixed"
                raise ValueError(f"{name} applies to {other} trials; these are {self.kind}.")
        return self


HESSIAN_FREE = "hessian_free"
_OF_HESSIAN_FREE = (
    *("curvature_trials", "max_cg_iterations", "cg_tolerance", "damping"),
    *("structural_damping", "warm_start", "n_probes"),
)
_OF_GRADIENT = ("learning_rate", "clip_norm", "options", "factors")


class LearnerTable(Section):
    """Table ``[learner]``: an optimizer by name, with arguments of `eicon.training.Gradient`, or ``hessian_free``.

    ``options`` are those of the optimizer, or one table for each: ``{rmsprop = {rho = 0.99}}``. ``learning_rate``
    is a number, or a table with the name of a schedule: ``{schedule = "cosine", rate = 0.01, steps = 1000}``.
    ``clip_norm = false``: no clipping.
    """

    optimizer: Annotated[str, among("eicon.training.OPTIMIZERS", HESSIAN_FREE)] | None = None
    learning_rate: Rate | None = None
    clip_norm: Positive | Literal[False] | None = None
    options: dict[str, float | bool | dict[str, float | bool]] | None = None
    factors: dict[str, float] | None = None
    curvature_trials: PositiveInt | None = None
    max_cg_iterations: PositiveInt | None = None
    cg_tolerance: Positive | None = None
    damping: NonNegative | None = None
    structural_damping: NonNegative | None = None
    warm_start: Annotated[float, Field(ge=0, le=1)] | None = None
    n_probes: Annotated[int, Field(ge=0)] | None = None

    @field_validator("clip_norm", mode="before")
    @classmethod
    def _no_zero(cls, value: Any) -> Any:
        return value if value is not True else "true"  # so that true is rejected instead of taken for 1

    @model_validator(mode="after")
    def _fits(self) -> "LearnerTable":
        wrong = _OF_GRADIENT if self.optimizer == HESSIAN_FREE else _OF_HESSIAN_FREE
        for name in wrong:
            if getattr(self, name) is not None:
                raise ValueError(f"{name} is not a setting of the optimiser {self.optimizer or 'adam'!r}.")
        return self


class WeightPenaltyTable(Section):
    """Entry of ``training.penalties`` with ``kind = "weight"``; see `eicon.training.WeightPenalty`."""

    kind: Literal["weight"]
    strength: NonNegative
    power: Literal[1, 2] = 2
    matrix: Literal["input", "recurrent", "readout"] = "recurrent"


class RatePenaltyTable(Section):
    """Entry of ``training.penalties`` with ``kind = "rate"``; see `eicon.training.RatePenalty`."""

    kind: Literal["rate"]
    strength: NonNegative


class VanishingGradientTable(Section):
    """Entry with ``kind = "vanishing_gradient"``; see `eicon.training.VanishingGradient`."""

    kind: Literal["vanishing_gradient"]
    strength: NonNegative = 2.0
    bound: NonNegative = 1e-20


PenaltyTable = Annotated[WeightPenaltyTable | RatePenaltyTable | VanishingGradientTable, Field(discriminator="kind")]


class Stopping(Section):
    """Criteria that together end a training or a stage: the task's own ``"criterion"``, and ``stop_...``."""

    stop: Literal["criterion"] | None = None
    stop_accuracy: Fraction | None = None
    stop_worst_accuracy: Fraction | None = None
    stop_loss: Positive | None = None
    stop_window: PositiveInt = 5


class Lengths(Section):
    """Keys of ``[training]`` besides those of `Stopping`."""

    steps: PositiveInt | None = None
    epochs: PositiveInt | None = None
    loss: Annotated[str, among("eicon.training._losses.LOSSES")] | None = None
    penalties: tuple[PenaltyTable, ...] = ()
    validate_every: PositiveInt | None = None
    validation_repeats: PositiveInt | None = None
    checkpoint_every: PositiveInt = 500
    snapshots: bool = False
    store_every: PositiveInt | None = None
    restore: Literal["last", "best"] = "last"
    patience: PositiveInt | None = None


class TrainingTable(Stopping, Lengths):
    """Table ``[training]``: length of the training, and saved files; see `eicon.training.Trainer`.

    The length is given in ``steps``, or in ``epochs`` of fixed trials, for which ``store_every`` keeps networks
    (``networks/epoch=E.npz``). ``snapshots`` keeps the network every ``checkpoint_every`` steps. ``patience``: number
    of validations without a new smallest loss that end the training. ``restore = "best"``: the network of the run is
    the best by validation.
    """

    @model_validator(mode="after")
    def _fits(self) -> "TrainingTable":
        if self.steps is not None and self.epochs is not None:
            raise ValueError("steps and epochs are alternative lengths; give only one of them.")
        return self


class StageTable(Stopping):
    """Entry of ``stages``: differences from the task, and criteria that end the stage, as in ``[training]``."""

    task: dict[str, Any] = Field(default_factory=dict)


class PretrainedTable(Section):
    """Table ``[pretrained]``: start from a trained network, with a new readout or unchanged.

    ``path`` is a network file, a run, or a sweep, of which the run with the same values of the grid is used; ``epoch``
    (counted from 0; -1 is the last) and ``repeat`` select its network. ``keep = "all"`` also keeps readout, cell and
    noise; ``network.train`` names the trained parameters. ``shuffle`` names parameters whose values are permuted, each
    independently, among the units with the same value of the label ``shuffle_by``.
    """

    path: str = ""
    epoch: Annotated[int, Field(ge=-1)] = -1
    repeat: Annotated[int, Field(ge=0)] = 0
    keep: Literal["weights", "all"] = "weights"
    shuffle: tuple[str, ...] = ()
    shuffle_by: str = "type"


class LesionTable(Section):
    """Table ``[lesion]``: start from a trained network without some of its units; see `RateRNN.without`.

    ``path`` is a network file or a run. The remaining network is used, and ``[network]`` is ignored.
    """

    path: str = ""
    units: str | Where | tuple[Annotated[int, Field(ge=0)], ...] = ()
    cells: Fraction = 1.0
    seed: Seed = 0

    @model_validator(mode="after")
    def _fits(self) -> "LesionTable":
        if bool(self.path) != bool(self.units):
            raise ValueError("a lesion needs both path (a run or a network file) and units.")
        return self


class CodeTable(Section):
    """Entry of ``code``: a file that a run imported a class from, and its checksum."""

    name: str
    path: str
    sha256: str


class RecipeTables(Section):
    """All tables of a recipe.

    ``task`` contains the task's ``name`` (one of `eicon.tasks.TASKS`, or a user's ``module:Class`` or
    ``file.py:Class``) and its parameters. With a ``recording`` there is no task, unless the recording is fitted in
    addition to it. ``stages`` are trained before the task itself, one after the other. ``continued_from`` is a run
    whose trained network, with the same constants, is the start of this training. ``repeat`` selects the random numbers
    of a repeat of eicon 0.1.0, and ``compat`` the networks of bio_rnn_mem. ``grid`` maps dotted keys to lists of
    values.
    """

    format: Literal[2] = FORMAT
    seed: Seed = 0
    repeat: Annotated[int, Field(ge=0)] | None = None
    compat: Compat = ""
    task: dict[str, Any] = Field(default_factory=lambda: {"name": "PerceptualDecision"})
    network: NetworkTable = NetworkTable()
    connectome: ConnectomeTable | None = None
    recording: RecordingTable = RecordingTable()
    trials: TrialsTable = TrialsTable()
    learner: LearnerTable = LearnerTable()
    training: TrainingTable = TrainingTable()
    stages: tuple[StageTable, ...] = ()
    pretrained: PretrainedTable = PretrainedTable()
    lesion: LesionTable = LesionTable()
    continued_from: str = ""
    code: tuple[CodeTable, ...] = ()
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "RecipeTables":
        self.check_tables()
        return self

    @property
    def is_fit(self) -> bool:
        """True if the network is fitted to a recording alone, without a task."""
        return bool(self.recording.file) and self.recording.beside_task is None

    def check_tables(self) -> None:
        """Reject combinations of tables that are not allowed."""
        self._check_fit()
        on_connectome = self.network.kind == "connectome"
        if self.connectome is not None and not on_connectome and not self.grid.keys() & {"network", "network.kind"}:
            raise ValueError(f"[connectome] needs network.kind = 'connectome'; got {self.network.kind!r}.")
        if self.training.epochs is not None and self.trials.kind != "fixed":
            raise ValueError("training.epochs: sampled trials have no epochs; give steps, or trials of kind 'fixed'.")
        if self.training.store_every is not None and self.trials.kind != "fixed":
            raise ValueError("training.store_every counts epochs of fixed trials; see training.snapshots.")
        if self.stages and self.trials.kind == "fixed":
            raise ValueError("stages: fixed trials belong to one task; stages need sampled trials.")
        if self.compat and not (on_connectome and self.trials.kind == "fixed"):
            raise ValueError(f"compat: {self.compat} trains networks on a connectome, with fixed trials.")
        if self.lesion.path and self.pretrained.path:
            raise ValueError("[lesion] and [pretrained] both set the network to start from; give only one of them.")
        if self.pretrained.keep == "all" and self.pretrained.path:
            said = [name for name in self.network.given() if name not in ("kind", "train")]
            if said or on_connectome:
                raise ValueError(
                    'pretrained.keep = "all" keeps the whole network, so [network] may contain only `train`; got '
                    f"{said[0] if said else 'kind'!r}."
                )
        if (self.pretrained.shuffle or self.pretrained.keep == "all") and not self._given("pretrained.path"):
            raise ValueError("pretrained.shuffle and keep need a network to start from; give pretrained.path.")

    def _given(self, key: str) -> bool:
        """Return whether a path is given, here or by the grid."""
        table, _, name = key.partition(".")
        return bool(getattr(getattr(self, table), name)) or bool(self.grid.keys() & {key, table})

    def _check_fit(self) -> None:
        if not self.recording.file:
            if self.recording.given() and not self._given("recording.file"):
                raise ValueError("[recording] needs `file`, the recording to fit.")
            return
        if not self.is_fit:
            if self.trials.kind == "fixed":
                raise ValueError("recording.beside_task: the trials of the task must be sampled.")
            return
        if "task" in self.model_fields_set:
            raise ValueError(
                "[task] and [recording] are both given, but the network is fitted to the recording alone; to train it "
                "on the task, too, set recording.beside_task = 1.0, the strength of the fit as a penalty."
            )
        wrong = {
            "stages": bool(self.stages),
            "lesion.path": bool(self.lesion.path),
            "compat": bool(self.compat),
            "trials.kind": self.trials.kind == "fixed",
            "trials.same": self.trials.same is not None,
            "training.loss": self.training.loss is not None,
            "training.stop": self.training.stop is not None,
            "training.validation_repeats": self.training.validation_repeats is not None,
        }
        advice = {
            "training.loss": "set recording.loss instead",
            "training.stop": "use training.stop_loss instead",
            "trials.kind": "the trials are those of the recording",
        }
        if name := next((name for name, given in wrong.items() if given), None):
            raise ValueError(f"{name}: not available in a fit to a recording; {advice.get(name, 'leave it out')}.")


def located(value: Any, base: Path) -> Any:
    """Return tables with absolute paths of user code, ``file.py:Class``."""
    if isinstance(value, dict):
        return {key: located(inner, base) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [located(inner, base) for inner in value]
    file, colon, member = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not (colon and file.endswith(".py") and member.isidentifier()):
        return value
    return f"{(base / Path(file).expanduser()).absolute()}:{member}"


def own_names(tables: Mapping[str, Any]) -> list[str]:
    """Return the names of user-defined classes in the tables of a recipe, its stages and its grid."""
    grid = _grid.flat(dict(tables.get("grid") or {}))
    tasks = [tables.get("task"), *(stage.get("task") for stage in tables.get("stages") or ()), *grid.get("task", ())]
    networks = [tables.get("network"), *grid.get("network", ())]
    found: list[Any] = [task.get("name") for task in tasks if isinstance(task, dict)] + list(grid.get("task.name", ()))
    for cell in [*(one.get("cell") for one in networks if isinstance(one, dict)), *grid.get("network.cell", ())]:
        found += list(cell) if isinstance(cell, list | tuple) else [cell]
    return [name for name in dict.fromkeys(found) if is_own(name)]
