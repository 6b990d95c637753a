import {
  messageOf,
  type SchemaIssue,
  type SchemaResult,
  STRATEGY_API_VERSION,
  type StandardSchema,
} from '@fdpass/core';
import { loadSchema } from '@fdpass/core/host';
import { type Check, demand } from './checks.js';
import { turns } from './lab.js';
import { openSocketsAndPipes } from './own-process.js';

async function validate(schema: StandardSchema<unknown>, junk: unknown): Promise<SchemaResult<unknown>> {
  try {
    return await schema['~standard'].validate(junk);
  } catch (error) {
    const wrong = `the schema threw for ${JSON.stringify(junk)}: ${messageOf(error)}`;
    demand(false, wrong, 'return { issues } for what it refuses');
  }
}

/** What no options can be meant to say. */
const JUNK: readonly unknown[] = [null, 7, 'junk', { 'no-such-option': true }];

/** What a strategy is before it dials. */
export const SHAPE: readonly Check[] = [
  {
    name: 'has a name that a config can hold, and a known version',
    async run({ strategy: { name, apiVersion = STRATEGY_API_VERSION, schemes = [] } }) {
      demand(/^[a-z][a-z0-9-]*$/.test(name), `the name is ${JSON.stringify(name)}`, 'use a-z, 0-9 and dashes');
      demand(apiVersion === STRATEGY_API_VERSION, `apiVersion is ${apiVersion}`, `write ${STRATEGY_API_VERSION}`);
      const odd = schemes.find((scheme) => !/^[a-z][a-z0-9+.-]*$/.test(scheme));
      demand(odd === undefined, `the scheme is ${JSON.stringify(odd)}`, 'write it without the colon (RFC 3986 §3.1)');
    },
  },
  {
    name: 'opens nothing when it is created',
    async run(lab) {
      const before = openSocketsAndPipes();
      let forwarded = 0;
      const dialer = await lab.dialer((target, context) => {
        forwarded++;
        return lab.network(target, context);
      });
      await turns();
      const opened = openSocketsAndPipes().filter((entry) => !before.includes(entry));
      demand(
        opened.length === 0 && forwarded === 0,
        `create() opened ${opened.join(', ') || 'a connection'}`,
        'open connections in dial()',
      );
      demand(typeof dialer?.dial === 'function', 'create() did not give a dialer', 'return an object with dial()');
    },
  },
  {
    name: 'does not change its options',
    async run(lab) {
      const options = await lab.options();
      const before = JSON.stringify(options);
      try {
        await lab.strategy.create(options, lab.host());
      } catch (error) {
        demand(
          !(error instanceof TypeError),
          `create() failed on frozen options: ${String(error)}`,
          'copy what you change',
        );
        throw error;
      }
      demand(JSON.stringify(options) === before, 'create() changed its options', 'copy what you change');
    },
  },
  {
    name: 'refuses invalid options, with a message',
    applies: ({ strategy }) => 'load' in strategy || strategy.optionsSchema !== undefined,
    async run(lab) {
      const optionsSchema = await loadSchema(lab.strategy);
      if (optionsSchema === undefined) return;
      for (const junk of JUNK) {
        const result = await validate(optionsSchema, junk);
        const issues: readonly SchemaIssue[] = result.issues ?? [];
        const isWordless = issues.some(({ message }) => typeof message !== 'string' || message === '');
        demand(!isWordless, `the schema refuses ${JSON.stringify(junk)} without a message`, 'say what was expected');
        const isMapping = typeof junk === 'object' && junk !== null;
        demand(
          isMapping || issues.length > 0,
          `the schema takes ${JSON.stringify(junk)} for options`,
          'options are a mapping: use an object schema',
        );
      }
    },
  },
];
