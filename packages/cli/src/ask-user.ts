import { createInterface } from 'node:readline/promises';

/** Asks a question of one line. Undefined if there is no terminal, and so nobody to ask. */
export async function askUser(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim().toLowerCase();
  } finally {
    terminal.close();
  }
}
