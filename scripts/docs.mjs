// Writes man/*.1 and docs/{fdpass,fdrecv}.md from the commands' own description, docs/api from the declarations of what
// the packages export. Run it after `npm run build`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { formatManPage, formatMarkdown } from '../packages/cli/dist/manual.js';
import { FDPASS, FDRECV } from '../packages/cli/dist/usage.js';
import { apiPages } from './reference/pages.mjs';

for (const program of [FDPASS, FDRECV]) {
  writeFileSync(new URL(`../man/${program.name}.1`, import.meta.url), formatManPage(program));
  writeFileSync(new URL(`../docs/${program.name}.md`, import.meta.url), formatMarkdown(program));
}

const api = new URL('../docs/api/', import.meta.url);
const pages = apiPages();
rmSync(api, { recursive: true, force: true }); // so that the page of a package that is gone goes too
mkdirSync(api);
for (const [name, text] of pages) writeFileSync(new URL(name, api), text);
