import { type Colour, glyphsOf, type Look, paint } from '../trace/look.js';
import { type Checked, type Finding, SEVERITIES, type Severity } from './finding.js';

/** What a check has found. */
export interface Diagnosis extends Checked {
  readonly name: string;
}

const NAME_WIDTH = 13;
const INDENT = ' '.repeat(NAME_WIDTH + 3);

const COLOURS: Readonly<Record<Severity, Colour>> = { error: 'red', warning: 'yellow', note: 'dim' };

/** The worst of the findings; undefined if there are none. */
export function worstOf({ findings }: Pick<Checked, 'findings'>): Severity | undefined {
  return SEVERITIES.find((severity) => findings.some((finding) => finding.severity === severity));
}

/** All diagnoses for people, in lines. */
export function renderDiagnoses(diagnoses: readonly Diagnosis[], look: Look): string[] {
  return [...diagnoses.flatMap((diagnosis) => render(diagnosis, look)), '', summary(diagnoses, look)];
}

function render(diagnosis: Diagnosis, look: Look): string[] {
  const { name, facts, findings } = diagnosis;
  const worst = worstOf(diagnosis);
  const head = `${markOf(worst, look)}  ${name.padEnd(NAME_WIDTH)}`;
  const lines = [
    ...(facts.length > 0 ? [facts.join('; ')] : []),
    ...findings.flatMap((finding) => describe(finding, look)),
  ];
  return lines.map((line, index) => `${index === 0 ? head : INDENT}${line}`);
}

function describe({ severity, what, fix }: Finding, look: Look): string[] {
  return [`${paint(`${severity}:`, COLOURS[severity], look)} ${what}`, `  fix: ${fix}`];
}

function markOf(worst: Severity | undefined, look: Look): string {
  const { mark, remark } = glyphsOf(look);
  if (worst === 'error') return paint(mark.failed, 'red', look);
  if (worst === 'warning') return paint('!', 'yellow', look);
  return worst === 'note' ? remark : paint(mark.done, 'green', look);
}

function summary(diagnoses: readonly Diagnosis[], look: Look): string {
  const all = diagnoses.flatMap(({ findings }) => findings);
  const counts = SEVERITIES.flatMap((severity) => {
    const count = all.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`];
  });
  return counts.length === 0 ? paint('all is well', 'green', look) : counts.join(', ');
}
