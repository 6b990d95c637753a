import type { Surroundings } from './surroundings.js';

/** How bad it is. An error makes ssh or a dial fail; a warning will do so one day; a note is good to know. */
export type Severity = 'error' | 'warning' | 'note';

/** Something that is wrong, or worth knowing. */
export interface Finding {
  readonly severity: Severity;
  /** What it is, and where. Without a secret. */
  readonly what: string;
  /** How to fix it. */
  readonly fix: string;
}

/** The result of a check. */
export interface Checked {
  /** What is there, for a person who only wants to see that all is well. */
  readonly facts: readonly string[];
  readonly findings: readonly Finding[];
}

/** One check of the doctor. It closes whatever it opens, and changes nothing. */
export interface Check {
  readonly name: string;
  run(around: Surroundings): Promise<Checked>;
}

/** From the worst to the least. */
export const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];

/** Keeps only the worst of findings that say the same, in their order. */
export function worstOfEach(findings: readonly Finding[]): Finding[] {
  const worst = new Map<string, Finding>();
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  for (const finding of findings) {
    const known = worst.get(finding.what);
    if (known === undefined || rank(finding) < rank(known)) worst.set(finding.what, finding);
  }
  return [...worst.values()];
}

export function error(what: string, fix: string): Finding {
  return { severity: 'error', what, fix };
}

export function warning(what: string, fix: string): Finding {
  return { severity: 'warning', what, fix };
}

export function note(what: string, fix: string): Finding {
  return { severity: 'note', what, fix };
}
