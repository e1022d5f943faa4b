// Set up all views. When everything is drawn, the document contains the time since its opening in ms.

function aboutWords() {
  const { task, trials, components, units, means_bits: bits, each: { silencing } } = facts;
  const parts = [
    `${task.name}: ${task.about}`,
    `Rates are from ${trials.recorded} trials of ${trials.steps} steps of ${task.dt} ms, with the network's noise. Means over trials use all of them`
      + ` (${bits === 32 ? "float32" : `${bits} bits, scaled per unit`}); ${trials.kept} single trials are kept with ${trials.bits} bits, scaled per unit.`,
    components.ratio
      ? `Principal components are those of all recorded rates; participation ratio ${shortNumber(components.participation_ratio)}.`
      : components.reason,
    `${units.measure.name}: ${units.measure.about}.`,
    "At each level, the condensed network is made from the whole one, on separate trials, without retraining;"
      + " its output error is measured without noise on further trials, relative to the outputs' standard deviation.",
    silencing
      ? `Each unit was silenced throughout ${silencing.n_trials} trials, with the same noise; the change of the outputs is a root mean square, relative to their standard deviation.`
      : "The network has too many units to silence each of them.",
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
