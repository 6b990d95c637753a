import { formatError, type Strategy } from '@fdpass/core';
import { configJsonSchema, createDialer, StrategyRegistry } from '@fdpass/core/host';
import { type } from 'arktype';
import { expect } from 'chai';
import * as v from 'valibot';
import * as z from 'zod';

/** One strategy by three libraries: a text `host`, a `port` with a default, nothing else. */
const SCHEMAS: Readonly<Record<string, unknown>> = {
  zod: z.strictObject({ host: z.string().min(1), port: z.number().int().max(65_535).default(7000) }),
  valibot: v.strictObject({
    host: v.pipe(v.string(), v.minLength(1)),
    port: v.optional(v.pipe(v.number(), v.integer(), v.maxValue(65_535)), 7000),
  }),
  arktype: type({ host: 'string > 0', port: 'number.integer <= 65535 = 7000', '+': 'reject' }),
};

for (const [library, optionsSchema] of Object.entries(SCHEMAS)) {
  describe(`options checked by ${library}`, () => {
    const seen: unknown[] = [];
    const strategy = {
      name: 'gateway',
      firstOnly: true,
      optionsSchema,
      create(options: unknown) {
        seen.push(options);
        return { dial: () => Promise.reject(new Error('not dialled')) };
      },
    } as Strategy;
    const check = (options: object): Promise<void> =>
      createDialer(
        { rules: [{ name: 'lab', use: { strategy: 'gateway', ...options } }] },
        { strategies: [strategy], defaultStrategy: 'gateway' },
      ).check();

    it('arrive as the library gives them, frozen', async () => {
      await check({ host: 'a.example' });
      expect(seen.at(-1)).to.deep.equal({ host: 'a.example', port: 7000 });
      expect(seen.at(-1)).to.be.frozen;
    });

    const wrong: readonly [what: string, options: object, names: RegExp][] = [
      ['a missing one', { port: 1 }, /host/],
      ['a wrong type', { host: 'a.example', port: '1' }, /port/],
      ['a value out of range', { host: 'a.example', port: 70_000 }, /port/],
      ['an unknown key', { host: 'a.example', prot: 1 }, /prot/],
    ];
    for (const [what, options, names] of wrong) {
      it(`are refused in words, with the rule and the hop: ${what}`, async () => {
        const error = await check(options).then(
          () => new Error('not refused'),
          (reason: Error) => reason,
        );
        const line = formatError(error);
        expect(line)
          .to.match(names)
          .and.match(/config\.rules\[0\]/)
          .and.match(/gateway/)
          .and.not.include('\n');
      });
    }

    it('are in the JSON Schema of the config', async () => {
      const registry = new StrategyRegistry();
      registry.register(strategy);
      const { definitions } = (await configJsonSchema(registry)) as { definitions: Record<string, object> };
      expect(definitions['gateway-options']).to.have.nested.property('properties.host.type', 'string');
      expect(definitions['gateway-options']).to.have.nested.property('properties.port.maximum', 65_535);
      if (library !== 'arktype')
        // which keeps its defaults to itself
        expect(definitions['gateway-options']).to.have.nested.property('properties.port.default', 7000);
    });
  });
}
