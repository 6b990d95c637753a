// The page of what was measured: tables, and a chart for each benchmark, drawn from the same numbers.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { round, rowsOf } from './figures.mjs';

const FOLDER = fileURLToPath(new URL('../docs/bench/', import.meta.url));
const ROW = 18;
const LABEL = 170;
const BAR = 360;
const WIDTH = 680;

/** Writes docs/bench/README.md and an SVG for each benchmark. */
export function writePage({ machine, charts, texts }) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, list] of Object.entries(charts)) writeFileSync(`${FOLDER}${name}.svg`, drawing(name, list));
  const sections = Object.entries(charts).map(
    ([name, list]) => `## ${name}\n\n![${name}](${name}.svg)\n\n${table(list)}`,
  );
  const counted = Object.entries(texts).map(
    ([name, lines]) => `## ${name}\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`,
  );
  const { cores, cpu, node, load } = machine;
  const head = `# Measurements

\`npm run bench -- --docs\` writes this page. Each figure is the median of interleaved runs, beside what it is compared with in the
same run: on another machine the numbers differ, and the ratios much less. This run: ${cores} cores (${cpu}), Node ${node}. Other work
kept them busy besides: a load of ${round(load)} when it began.
`;
  writeFileSync(`${FOLDER}README.md`, `${[head, ...sections, ...counted].join('\n')}\n`);
}

function table(charts) {
  const rows = charts.flatMap((chart) =>
    rowsOf(chart).map(
      ({ name, value, ratio }) => `| ${chart.title} | ${name} | ${round(value)} | ${ratio.toFixed(2)} |`,
    ),
  );
  return `| measured | program | value | ratio |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** Every chart is a title and a bar for each program, on a scale of its own. */
function drawing(name, charts) {
  let y = 0;
  const parts = charts.map((chart) => {
    const top = y;
    y += ROW * (Object.keys(chart.bars).length + 2);
    return drawChart(chart, top);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="12">
<title>Measurements: ${name}</title>
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

function drawChart(chart, top) {
  const rows = rowsOf(chart);
  const most = Math.max(...rows.map(({ value }) => value));
  const bars = rows.map(({ name, value, ratio }, index) => {
    const y = top + ROW * (index + 1);
    const width = Math.max(1, Math.round((BAR * value) / most));
    const color = name === chart.base ? '#999' : '#2a7';
    return `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escapeXml(name)}</text>
<rect x="${LABEL}" y="${y + 2}" width="${width}" height="${ROW - 4}" fill="${color}"/>
<text x="${LABEL + width + 6}" y="${y + 13}">${round(value)} (${ratio.toFixed(2)})</text>`;
  });
  return `<text x="8" y="${top + 14}" font-weight="bold">${escapeXml(chart.title)}; more is ${chart.more}</text>\n${bars.join('\n')}`;
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
