import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { Random } from '../../core/dist/ground/random.spec.helper.js';
import { Listener } from './planted.spec.helper.js';

/*
 * A config that works, with secrets in it, is damaged at random: as by a slip of the hand, a bad merge or a broken editor.
 * Whatever that makes of it, nothing of a secret may be said or cached.
 */

/** No four characters of it are in a host name, nor anywhere else. */
const SECRET = 'Hq!7Zw+3$Kj!';

const CONFIG = `# what everybody needs
defaults: { timeout: 30s, keepAlive: true }
hops:
  corp:
    strategy: http-connect
    url: "http://me:${SECRET}@proxy.example:3128"
    headers:
      X-Token: ${SECRET}
      Cookie: "session=${SECRET}; theme=dark"
  socks: { strategy: socks, url: 'socks5h://${SECRET}@127.0.0.1:1', userId: ${SECRET} }
  old:
    strategy: command
    command:
      - ./tunnel
      - --password
      - ${SECRET}
    log: ~/tunnel.log
rules:
  - name: work
    host: ["a.*", "!public.example", 10.0.0.0/8]
    port: [22, "2200-2299"]
    use: corp
  - host: b.example
    use: [{ strategy: direct, bindPort: 1 }, "http://u:${SECRET}@127.0.0.1:1"]
    timeout: 1m
  - user: root
    use:
      firstOf:
        - socks
        - { strategy: http-connect, url: http://proxy.example, credentials: { username: ${SECRET}, passwordFile: ~/none } }
        - old
  - use: happy-eyeballs
`;

type Edit = (text: string, random: Random) => string;

const EDITS: readonly Edit[] = [
  (text, random) => splice(text, random.below(text.length), 1, ''),
  (text, random) => splice(text, random.below(text.length), 0, text.charAt(random.below(text.length))),
  (text, random) => splice(text, random.below(text.length), 0, random.pick([...'"\'{}[]:,#-&*!|>%@`\n\t /'])),
  (text, random) => {
    const at = random.below(text.length - 1);
    return splice(text, at, 2, text.charAt(at + 1) + text.charAt(at));
  },
  onLines((lines, at) => lines.splice(at, 1)),
  onLines((lines, at) => lines.splice(at, 0, lines[at] ?? '')),
  onLines((lines, at, random) => {
    const other = random.below(lines.length);
    [lines[at], lines[other]] = [lines[other] ?? '', lines[at] ?? ''];
  }),
  onLines((lines, at) => lines.splice(at, 2, (lines[at] ?? '') + (lines[at + 1] ?? ''))),
  onLines((lines, at, random) => lines.splice(at, 1, ' '.repeat(random.below(8)) + (lines[at] ?? '').trimStart())),
  onLines((lines, at, random) => lines.splice(at, 1, (lines[at] ?? '').slice(0, random.below(40)))),
];

function splice(text: string, at: number, length: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + length);
}

function onLines(edit: (lines: string[], at: number, random: Random) => unknown): Edit {
  return (text, random) => {
    const lines = text.split('\n');
    edit(lines, random.below(lines.length), random);
    return lines.join('\n');
  };
}

function damaged(seed: number): string {
  const random = new Random(seed);
  let text = CONFIG;
  for (let left = 1 + random.below(5); left > 0 && text.length > 1; left--) text = random.pick(EDITS)(text, random);
  return text;
}

/** Four characters of the secret that are in a text. */
function pieceIn(text: string): string | undefined {
  const lower = text.toLowerCase();
  return Array.from(SECRET.slice(3), (_, at) => SECRET.slice(at, at + 4).toLowerCase()).find((piece) =>
    lower.includes(piece),
  );
}

const CONFIGS = Number(process.env['FDPASS_DAMAGED_CONFIGS'] ?? 300);

describe('a damaged config with secrets', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  async function expectNothing(what: string, text: string): Promise<readonly string[]> {
    const said = await new Listener(folder.path).hearFile(text);
    for (const line of said.flatMap((each) => each.split('\n'))) {
      const piece = pieceIn(line);
      if (piece !== undefined) expect.fail(`${what}: ${JSON.stringify(piece)} is in ${line.slice(0, 300)}\n${text}`);
    }
    return said;
  }

  it('is the one that works, before', async () => {
    const said = await expectNothing('undamaged', CONFIG);
    expect(said.join('\n')).to.contain('corp (http://***@proxy.example:3128)').and.contain('X-Token');
  });

  it(`shows nothing of them, in ${CONFIGS} ways`, async function () {
    this.timeout(120_000 + CONFIGS * 100);
    const first = Number(process.env['FDPASS_DAMAGED_FIRST'] ?? 1);
    for (let seed = first; seed < first + CONFIGS; seed++) await expectNothing(`seed ${seed}`, damaged(seed));
  });
});
