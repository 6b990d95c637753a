// The licences of the packages bundled into the commands. Their terms require a copy of the licence with every copy.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The notices for esbuild's outputs, from its metafiles: one section for each package, sorted by name. */
export function noticesFor(metafiles) {
  const folders = new Set(metafiles.flatMap(({ outputs }) => Object.values(outputs).flatMap(foldersIn)));
  const sections = [...folders].map(noticeOf).sort();
  return `The commands contain these packages, under these licences.\n\n${[...new Set(sections)].join('\n')}`;
}

/** The packages of which at least one byte is in an output: others need no notice. */
function foldersIn({ inputs }) {
  return Object.entries(inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([file]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
}

function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files
    .filter((file) => existsSync(join(folder, file)))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length === 0) throw new Error(`${name} is bundled, but has no licence file`);
  return `--- ${name} ${version} (${license}) ---\n\n${texts.join('\n\n')}\n`;
}
