import { fdpassVersion } from '@fdpass/core';
import { golden } from '@fdpass/test-lab';
import { expect } from 'chai';
import { renderJson } from './json.js';
import type { Look } from './look.js';
import { REPORTS } from './moments.spec.helper.js';
import { renderSvg } from './svg.js';
import { renderText } from './text.js';
import type { TraceReport } from './timeline.js';

function expectGolden(name: string, drawn: string): void {
  expect(drawn, name).to.equal(golden(new URL(`../../src/trace/golden/${name}`, import.meta.url), drawn));
}

/** What is not the same on every machine. */
function neutral(text: string): string {
  return text
    .replaceAll(process.versions.node, 'NODE')
    .replaceAll(fdpassVersion(), 'FDPASS')
    .replace(`, ${process.platform}<`, ', PLATFORM<');
}

const UTF8 = { hasColours: false, isUnicode: true };
const LOOKS: Readonly<Record<string, Look>> = {
  wide: { ...UTF8, width: 160 },
  'width-80': { ...UTF8, width: 80 },
  narrow: { ...UTF8, width: 40 },
  plain: UTF8,
  ascii: { hasColours: false, isUnicode: false },
  colours: { ...UTF8, width: 100, hasColours: true },
};

describe('pictures of a dial', () => {
  for (const [scenario, report] of Object.entries(REPORTS)) {
    for (const [name, look] of Object.entries(LOOKS)) {
      it(`in characters: ${scenario}, ${name}`, () => {
        expectGolden(`${scenario}.${name}.txt`, `${renderText(report, look).join('\n')}\n`);
      });
    }

    it(`as SVG: ${scenario}`, () => expectGolden(`${scenario}.svg`, neutral(renderSvg(report))));
  }

  it('as JSON', () => {
    const report = REPORTS['connected'] as TraceReport;
    const greeting = { text: 'SSH-2.0-OpenSSH_9.2p1 Debian-2', protocol: 'SSH' };
    const result = { text: 'connected', exitStatus: 0 };
    expectGolden('connected.json', neutral(renderJson(report, { greeting, result })));
  });
});
