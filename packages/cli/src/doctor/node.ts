import { fdpassVersion } from '@fdpass/core';
import { type Check, warning } from './finding.js';

/** The Node that runs this command. The launcher refuses one that is too old. */
export const node: Check = {
  name: 'node',
  async run({ environment }) {
    const { NODE_OPTIONS = '', FDPASS_NODE_OPTIONS = '' } = environment;
    // The launcher removes the first and sets it from the second.
    const isBypassed = NODE_OPTIONS !== FDPASS_NODE_OPTIONS;
    return {
      facts: [`Node ${process.versions.node} (${process.execPath})`, `fdpass ${fdpassVersion()}`],
      findings: isBypassed
        ? [
            warning(
              'NODE_OPTIONS is set, and this fdpass was started by "node FILE", which obeys it: it can load modules of the current directory',
              'start the launcher itself, in the ProxyCommand too, with options for Node in FDPASS_NODE_OPTIONS',
            ),
          ]
        : [],
    };
  },
};
