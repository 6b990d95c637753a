// What every benchmark gives: charts. A chart compares some programs in one figure, measured side by side in one run.

/** Three digits that count. */
export function round(value) {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** The rows of a chart: name, value, and its ratio to the one that all are compared with. */
export function rowsOf({ base, bars }) {
  return Object.entries(bars).map(([name, value]) => ({ name, value, ratio: value / bars[base] }));
}

/** Prints the charts of a script: as JSON if it is run with `--json`, else as text. */
export function print(charts) {
  if (process.argv.includes('--json')) console.log(JSON.stringify(charts));
  else show(charts);
}

/** Prints charts as text. */
export function show(charts) {
  for (const chart of charts) {
    console.log(`${chart.title} (more is ${chart.more})`);
    for (const { name, value, ratio } of rowsOf(chart)) {
      console.log(`  ${name.padEnd(20)} ${round(value).padStart(9)}   ${ratio.toFixed(2)} x ${chart.base}`);
    }
  }
}
