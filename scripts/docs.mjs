// Writes man/*.[15] and docs/{fdpass,fdrecv,errors}.md from the commands' own description, and docs/plugin-host.md from types. Run it after `npm run build`.
import { writeFileSync } from 'node:fs';
import { formatConfigManPage } from '../packages/cli/dist/config-manual.js';
import { formatErrorsPage } from '../packages/cli/dist/error-help.js';
import { formatManPage, formatMarkdown } from '../packages/cli/dist/manual.js';
import { FDPASS_USAGE, FDRECV_USAGE } from '../packages/cli/dist/usage.js';
import { formatHostPage } from './plugin-host.mjs';

for (const program of [FDPASS_USAGE, FDRECV_USAGE]) {
  writeFileSync(new URL(`../man/${program.name}.1`, import.meta.url), formatManPage(program));
  writeFileSync(new URL(`../docs/${program.name}.md`, import.meta.url), formatMarkdown(program));
}
writeFileSync(new URL('../man/fdpass-config.5', import.meta.url), await formatConfigManPage());
writeFileSync(new URL('../docs/plugin-host.md', import.meta.url), formatHostPage());
writeFileSync(new URL('../docs/errors.md', import.meta.url), formatErrorsPage());
