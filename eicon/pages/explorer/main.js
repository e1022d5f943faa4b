// From numbers to views. When all is drawn, the document says how many ms after its opening that was.

function aboutWords() {
  const { task, trials, components, units, means_bits: bits, each: { silencing } } = facts;
  const parts = [
    `${task.name}: ${task.about}`,
    `Rates of ${trials.recorded} trials of ${trials.steps} steps of ${task.dt} ms were recorded with the network's noise. Means over trials use all of them`
      + ` (${bits === 32 ? "float32" : `${bits} bits, scaled per unit`}); ${trials.kept} single trials are kept with ${trials.bits} bits, scaled per unit.`,
    components.ratio
      ? `Principal components are those of all recorded rates; participation ratio ${shortNumber(components.participation_ratio)}.`
      : components.reason,
    `${units.measure.name}: ${units.measure.about}.`,
    "Condensed networks are made anew from the whole one at each level, from trials of their own, and not retrained;"
      + " their output error is measured without noise on further trials, as a part of the outputs' standard deviation.",
    silencing
      ? `Each unit was silenced for the whole of ${silencing.n_trials} trials, with the same noise; the change of the outputs is the root of its mean square, as a part of their standard deviation.`
      : "The network has too many units to silence each.",
  ];
  return parts.join(" ");
}

async function main() {
  await readArrays();
  setUpValues();
  setUpConditions();
  setUpMatrix();
  setUpRates();
  setUpSpace();
  setUpBehaviour();
  setUpLevels();
  setUpUnits();
  setUpRole();
  setUpKeys();
  document.getElementById("about-words").textContent = aboutWords();
  readAddress();
  window.addEventListener("hashchange", readAddress);
  requestAnimationFrame(() => requestAnimationFrame(() => {
    document.documentElement.dataset.ready = performance.now().toFixed(1);
  }));
}

main().catch((error) => {
  document.documentElement.dataset.failed = String(error);
  document.getElementById("said").className = "bad";
  document.getElementById("said").textContent = `This page cannot be shown: ${error.message}. A newer browser may help.`;
  throw error;
});
