"""Every command that a document, docstring or help text names is known, and its shortest form runs.

The first part only reads. The battery runs a command of each form (program, sub-command, options), with its sizes cut
down as the tables say; `NOT_RUN` lists what cannot run here, and why.
"""

import gzip
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import jax
import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.recordings import Recording, files
from eicon.runs import _read, read_recipe

from .commands import Form, collect, errors_in, find_command, form_of, forms, names_only, split_words
from .pages import ROOT

COMMANDS, FORMS = collect(), forms()

NOT_RUN = {
    "pip": "changes the environment",
    "conda": "conda is not installed everywhere, and it makes an environment",
    "git worktree": "needs a tag of an older version",
    "cp": "copies what `git worktree` and `make docs` have made",
    "dask": "starts a scheduler, which stays",
    "srun": "needs SLURM",
    "source": "activates an environment in the shell that asks",
    "export": "sets variables in the shell that asks",
    "set": "changes the shell that asks",
    "kill": "ends what was started in the shell that asks",
    "^C": "a key",
    "eicon sweep --scheduler": "needs a scheduler with workers; tests/runs start one",
    "python make_session.py": "needs pynwb; test_fit_recordings runs its page",
    "eicon fit --out --seed --set": "reads what make_session.py writes; the same test runs it",
    "python make_files.py": "test_tutorial_experiment runs its page",
    "python without_torch.py": "test_tutorial_pytorch runs its page",
    "python -m eicon.connectomes.data.derive": "reads the packages that two data sets come from",
    "python -m eicon.connectomes.data.derive_optic_lobe": "reads the package that the optic lobe comes from",
    "eicon reproduce beiran2025 --data": "reads wiring of other laboratories; tests/reproduce write some",
    "eicon recording show": "needs a session of a laboratory; tests/recordings write some",
    "python -m benchmarks.edges": "tests/benchmarks run all of it at tiny sizes",
    "python -m benchmarks.optic_lobe": "needs an interpreter with flyvis; tests/benchmarks have a small one",
    "python -m studies.low_rank_fits": "takes a minute in its quick form; tests/studies run its parts",
    "python -m studies.how_small": "takes a minute in its quick form, which tests/studies run",
    "python -m studies.one_way": "takes a minute in its quick form, which tests/studies run",
    "python -m studies.signal_propagation": "reads a package that CI does not have",
    "python -m studies.mutants": "runs the tests themselves, for hours",
}
"""Programs, or the beginnings of forms, and why they are not run."""

NEEDS = {
    "benchmarks.memory": "torch",
    "studies.published_memory": "torch",
    "studies.published_study": "torch",
    "benchmarks.explorer": "playwright",
}
"""Optional packages without which a module is left out."""

SMALL = {
    "--repeats": "2",
    "--epochs": "1",
    "--workers": "0",
    "--every": "4",
    "--retrain": "2",
    "--to": "6",
    "--figure": "6",
    "--seeds": "1",
    "--out": "made/{n}",
}
"""Values for those that are written; ``--to`` of an export names a format and stays."""

MORE = {
    "analyze": ("--repeats 2",),
    "compare": ("--repeats 2",),
    "condense": ("--every 4", "--retrain 2"),
    "demo": ("--out made/{n}",),
    "dt-report": ("--repeats 2",),
    "explore": ("--no-open", "--repeats 2"),
    "fit": ("--out made/{n}",),
    "export": ("--repeats 2", "--out made/{n}.{to}"),
    "perturb": ("--repeats 2",),
    "reproduce beiran2025": ("--quick", "--figure 3", "--out made/beiran2025"),
    "reproduce song2016": ("--quick", "--figure 6", "--seeds 1", "--out made/song2016"),
    "sweep": ("--epochs 1", "--repeats 1", "--workers 0", "--out made/{n}", "--set trials.n=10"),
    "train": ("--out made/{n}",),
}
"""Options that are added where they are not written."""

WORM = ["connectome.null=none", "connectome.orientation=forward", "network.remap=off", "network.spectral_radius=drawn"]
"""Of the sweep `bio_vs_random`, one combination."""

WORDS = {
    "RUN": "results/first",
    "OUT": "results/first",
    "FILE": "sweep.toml",
    "choices.toml": "recipe.toml",
    "unrecorded.toml": "fit.toml",
    "worm.toml": "recipe.toml",
    "theirs.toml": "recipe.toml",
    "theirs": "results/first",
    "sweep": "results/bio",
    "results/lesioned": "results/second",
    "results/third": "results/second",
    "results/fitted": "results/fit",
    "session.nwb": "rates.npz",
    "sweep/runs/null=none/seed=0": "results/first",
    "sweep/runs/null=rewire/seed=0": "results/second",
    "small": "results/second",
    "FOLDER": "bio2art/connectomes",
    "N": "1",
    "VARIANT": "core",
    "N_REC": "8",
    "BLOCK_S": "0.01",
}
"""What stands for a placeholder."""

QUICK = {
    "benchmarks": "--variants core --out {out}/bench.json --page {out}/bench.md",
    "benchmarks.alternating": "--parts cells --out {out}/alternating.json --page {out}/alternating.md",
    "benchmarks.edges": "--out {out}/edges.json --page {out}/edges.md",
    "benchmarks.fixed_points": "--variants eicon-again --page {out}/fixed_points.md",
    "benchmarks.memory": "--out {out} --page {out}/memory.md",
    "benchmarks.startup": "--page {out}/startup.md",
    "benchmarks.romo": "--variants eicon --page {out}/romo.md",
    "benchmarks.expansion": "",
    "benchmarks.explorer": "",
    "studies.start_times": "",
}
"""Options beside ``--quick``; those of a study are ``--out``."""

APART = ("studies.training_memory",)
"""Modules that measure their own process, and get one."""
INSTANT = ("studies.public_names",)
"""Modules that are quick as they are."""

CONFIG = """
seed = 1
[task]
name = "{task}"
[network]
n_rec = 10
{network}
[training]
steps = 4
batch_size = 4
validate_every = 2
validation_repeats = 2
"""
AREAS = """
populations = [
    { name = "sensory E", n = 4, type = "E", area = "sensory" },
    { name = "motor E", n = 4, type = "E", area = "motor" },
    { name = "I", n = 2, type = "I", area = "motor" },
]
"""
SWEEP = """
connectome = { name = "larva_left", neurons = 1 }
task = { name = "SequenceMemory", pattern_length = 2 }
training = { epochs = 1, repeats = 2, n_trials = 10 }
"""
RECIPE = """
format = 2
network = { n_rec = 10 }
trials = { kind = "fixed", n = 4, batch_size = 8 }
training = { epochs = 1, validation_repeats = 2 }
"""
FIT = """
format = 2
network = { n_rec = 30, train = ["recurrent"] }
recording = { file = "rates.npz", n_units = 3 }
training = { steps = 4 }
"""
INI = """[paths]
path_to_network = bio2art/connectomes
path_to_results = results
pretrained =
[net]
net_name = Marmoset_Normalized
rnn_size = 55
nr_neurons = 1
rand_partition = True
random_w = False
[trainvalidate]
epochs = 1
iterations = 1
init = default
freeze_layer = False
remap_w = True
[trialparams]
trial_params = {"task_name": "seq_mem", "nr_of_trials": 10, "train_size": 0.8}
[combosparams]
combos_params = {"lr": [0.001], "nonlinearity": ["relu"], "optimizer": ["Adam"], "pattern_length": [2]}
[pretrainedparams]
pretrained_epoch = 0
pretrained_iteration = 0
"""


def reason_not_to_run(form):
    """Why a form is not run, or nothing."""
    return next((key for key in NOT_RUN if f"{form} ".startswith(f"{key} ")), None)


RUN = [form for form in FORMS if reason_not_to_run(form) is None and form.program != "make"]
STAGES = ("", "train", "condense", "retrain", "richness", "others", "large")
"""Of the study of condensation: each reads what those before it have left."""
MODULES = sorted(
    {(form.program.removeprefix("python -m "), form.command) for form in RUN if form.program.startswith("python -m ")},
    key=lambda pair: (pair[0], STAGES.index(pair[1])),
)
EICON = [form for form in RUN if form.program == "eicon"]


# ------------------------------------------------------------------------------------------------------ read only


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_command_exists(line):
    assert errors_in(line) == [], COMMANDS[line]


def test_every_form_is_run_or_listed():
    programs = {"eicon", "make"}
    unknown = [
        f"{form} ({', '.join(COMMANDS[lines[0]])})"
        for form, lines in FORMS.items()
        if reason_not_to_run(form) is None
        and form.program not in programs
        and not re.match(r"python -m (eicon|benchmarks|studies)\b", form.program)
    ]
    assert unknown == [], "neither run nor listed in NOT_RUN"


def test_what_is_listed_is_named_somewhere():
    used = {reason_not_to_run(form) for form in FORMS}
    assert set(NOT_RUN) - used == set(), "no document names it any more"


def test_a_command_whose_name_alone_is_mentioned_is_run_in_some_form():
    named = {find_command(split_words(line)[1:])[1][0] for line in COMMANDS if names_only(line)}
    assert named <= {form.command.split()[0] for form in EICON if form.command}


def test_every_command_of_eicon_and_every_module_is_named():
    not_run = {key.split()[1] for key in NOT_RUN if key.startswith("eicon ")}
    assert not_run | {form.command.split()[0] for form in EICON if form.command} == {
        name for name, command in main.commands.items() if not command.hidden
    }
    files = {path for room in ("benchmarks", "studies") for path in (ROOT / room).glob("*.py")}
    runnable = {
        f"{path.parent.name}.{path.stem}".removesuffix(".__main__")
        for path in files
        if '__name__ == "__main__"' in path.read_text("utf-8")
    }
    assert runnable <= {form.program.removeprefix("python -m ") for form in FORMS}


def test_every_study_says_its_command_and_its_budget():
    from studies.__main__ import budget, studies

    for name, text in studies().items():
        assert f"python -m studies.{name}" in text, name
        assert budget(text) != "not said", name


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("eicon dream results/first", "eicon has no command dream"),
        ("eicon train x.toml --speed 3", "train has no --speed"),
        ("eicon connectomes draw", "eicon has no command connectomes draw"),
        ("python -m benchmarks.dreams", "there is no benchmarks.dreams"),
        ("python -m studies.demo --dream", "studies.demo has no --dream"),
        ("make dreams", "make has no dreams"),
    ],
)
def test_a_wrong_command_is_found(line, complaint):
    assert errors_in(line) == [complaint]


def test_lines_of_the_shell_become_commands():
    from .commands import _lines, _split

    text = """
Inline `eicon tasks --json > x.json`, `eicon.tasks`, `eval "$(eicon completion bash)"` and `make bench`.

    $ eicon train a.toml   # a comment

```console
for seed in 1 2; do
    if [ -d x ]; then eicon report x; else make demo && eicon demo; fi
done
```
"""
    found = [part for line in _lines(text, re.compile(r"(eicon|make) \S")) for part in _split(line)]
    assert sorted(found) == sorted(
        [
            "eicon report x",
            "make demo",
            "eicon demo",
            "eicon train a.toml",
            "eicon tasks --json",
            "eicon completion bash",
            "make bench",
        ]
    )
    assert form_of("eicon connectomes show x --folder y") == Form("eicon", "connectomes show", ("--folder",))


@pytest.mark.parametrize("target", sorted({form.command for form in FORMS if form.program == "make"}))
def test_make_knows_the_target(target):
    done = subprocess.run(["make", "-n", *target.split()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -------------------------------------------------------------------------------------------------------- battery


def run_eicon(words):
    """Run ``eicon`` in this process; what it printed."""
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, f"eicon {' '.join(words)}: {done.output} {done.exception!r}"
    return done.output


@pytest.fixture(scope="module")
def unoptimised():
    """Compile without optimisation, here and in processes started here: nothing runs for long."""
    name = "jax_disable_most_optimizations"
    before = jax.config.values[name]
    jax.config.update(name, True)
    with mock.patch.dict(os.environ, {name.upper(): "1"}):
        yield
    jax.config.update(name, before)


@pytest.fixture(scope="module")
def place(tmp_path_factory, unoptimised):
    """Directory with all that the documents' commands read: configurations, trained runs, sweeps, connectomes."""
    from studies.common import random_regions, stand_ins

    folder = tmp_path_factory.mktemp("commands")
    before = Path.cwd()
    os.chdir(folder)
    try:
        for name in ("config", "small", "mine"):
            Path(f"{name}.toml").write_text(CONFIG.format(task="PerceptualDecision", network=""), "utf-8")
        Path("context.toml").write_text(CONFIG.format(task="ContextIntegration", network=""), "utf-8")
        Path("areas.toml").write_text(CONFIG.format(task="PerceptualDecision", network=AREAS), "utf-8")
        Path("sweep.toml").write_text(SWEEP, "utf-8")
        Path("recipe.toml").write_text(RECIPE, "utf-8")
        Path("fit.toml").write_text(FIT, "utf-8")
        rates, shown = (np.random.default_rng(0).random((8, 4, n)) for n in (30, 2))
        files.write("rates.npz", Recording(rates, dt=10.0, inputs=shown))
        Path("config.ini").write_text(INI, "utf-8")
        for name in ("injections.csv", "areas.csv"):
            Path(name).write_text("a,V1,LM\nV1,0,0.1\nLM,0.4,0\n", "utf-8")
        Path("connections.csv.gz").write_bytes(gzip.compress(b"pre,post,weight\na,b,1\na,b,2\n"))
        stand_ins(Path("bio2art/connectomes"))
        weights = random_regions(29)
        np.save("bio2art/connectomes/C_Macaque_Normalized.npy", weights / weights.sum(axis=0).max())
        for name in ("first", "context", "areas"):
            source = "config" if name == "first" else name
            run_eicon(["--quiet", "train", f"{source}.toml", "--out", f"results/{name}"])
        run_eicon(["--quiet", "analyze", "results/first", "--repeats", "2"])
        run_eicon(["--quiet", "fit", "fit.toml", "--out", "results/fit"])
        run_eicon(["--quiet", "sweep", "sweep.toml", "--out", "results/bio", "--workers", "0"])
        shutil.copytree("results/bio", "results/random")
        for name in ("second", "demo", "teacher", "condensed", "first/condensed/subset-40-matched"):
            shutil.copytree("results/first", f"results/{name}", ignore=shutil.ignore_patterns("condensed"))
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(place, monkeypatch):
    """That directory as the current one, for processes started here too, without marks that a study leaves."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    with mock.patch.dict(os.environ):
        yield place


def words_to_run(form, number):
    """Words of the shortest command of a form, with small sizes and what is there instead of placeholders."""
    words = split_words(FORMS[form][0])[1:]
    _, names, rest = find_command(words)
    small, i = [], 0
    while i < len(rest):
        word = rest[i]
        small.append(re.sub(r"\$\w+", "1", WORDS.get(word, word)))
        if word in SMALL and i + 1 < len(rest) and not (names == ["export"] and word == "--to"):
            i += 1
            value = "3" if names[-1] == "beiran2025" and word == "--figure" else SMALL[word]
            small.append(value + (Path(rest[i]).suffix if word == "--out" else ""))
        i += 1
    of_recording = names == ["compare"] and "rates.npz" in small  # which has its own trials
    if "--resume" not in small and not of_recording and not {"--help", "--version"} & set(small):
        for more in MORE.get(" ".join(names), ()):
            if more.split()[0] not in small or more.startswith("--set"):
                small += more.split()
        if "--fixed-points" in small:
            small += ["--candidates", "4"]
        if "bio_vs_random" in small:
            small += [word for change in WORM for word in ("--set", change)]
    to = small[small.index("--to") + 1] if "--to" in small else ""
    return [*names, *(word.format(n=number, to=to) if word.startswith("made/") else word for word in small)]


@pytest.mark.battery
@pytest.mark.parametrize("form", EICON, ids=str)
def test_command_of_eicon_runs(form, here, monkeypatch):
    if form.command == "demo":
        small = read_recipe(Path("config.toml"))
        monkeypatch.setattr(_read, "demo_recipe", lambda seed=0: small.model_copy(update={"seed": seed}))
    run_eicon(words_to_run(form, f"eicon{EICON.index(form)}"))


@pytest.mark.battery
@pytest.mark.parametrize(("module", "stage"), MODULES, ids=lambda value: value or "all")
def test_module_runs_in_its_quick_form(module, stage, here, tmp_path_factory):
    package = NEEDS.get(module)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"{module} needs {package}")
    if module == "benchmarks.explorer" and not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("there is no browser")
    if module in ("eicon", "studies", "benchmarks.worker"):
        words = {"eicon": ["--version"], "studies": ["--list"], "benchmarks.worker": ["core", "8", "0.01"]}[module]
        done = subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return
    out = here / "quick" / module.removesuffix("_report")
    before = {path for path in here.rglob("*") if out not in path.parents}
    options = f"--quick {QUICK[module].format(out=out) if module in QUICK else f'--out {out}'}"
    name = f"{module}.__main__" if module == "benchmarks" else module
    words = [*stage.split(), *([] if module in INSTANT else options.split())]
    if module in APART:
        subprocess.run([sys.executable, "-m", module, *words], check=True)
    else:
        with jax.numpy_rank_promotion("allow"):
            assert importlib.import_module(name).main(words) == 0
    strays = {path for path in here.rglob("*") if out not in path.parents} - before - {out, out.parent}
    assert strays == set(), "written elsewhere than to --out"
