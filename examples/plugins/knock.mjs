// Knocks at closed ports before it connects, as knockd expects it: { strategy: knock, ports: [7000, 8000, 9000] }. The knocks
// go through the hops before this one too, so that a bastion can knock.

/** @type {import('@fdpass/core').Strategy<{ ports: number[], pauseMs?: number }>} */
export const knock = {
  name: 'knock',
  shorthand: 'ports',
  create({ ports, pauseMs = 200 }, host) {
    if (!Array.isArray(ports) || !ports.every(Number.isInteger))
      throw host.error('config', '"ports" must be a list of numbers', { hint: 'write ports: [7000, 8000, 9000]' });

    /** A firewall answers nothing, so a knock is a connection that is given up after a while. */
    async function knockAt(target, context) {
      const over = new AbortController();
      const signal = AbortSignal.any([context.signal, over.signal]);
      const dialling = host.forward.dial(target, { ...context, signal }).then(
        (connection) => connection.destroy(),
        () => {}, // refused or given up: it has been seen
      );
      await pause(context.signal);
      over.abort(host.error('timeout', 'it was only a knock'));
      await dialling;
    }

    function pause(signal) {
      return new Promise((resolve, reject) => {
        const end = () => {
          cancel();
          signal.removeEventListener('abort', end);
          signal.aborted ? reject(signal.reason) : resolve();
        };
        const cancel = host.clock.after(pauseMs, end);
        signal.addEventListener('abort', end);
      });
    }

    let last = Promise.resolve();
    return {
      async dial(target, context) {
        // One dial at a time: the firewall would take the knocks of two for a wrong order.
        last = last
          .catch(() => {})
          .then(async () => {
            for (const port of ports) {
              context.signal.throwIfAborted();
              await knockAt({ host: target.host, port }, context);
              context.trace({ event: 'knock:knocked', port });
            }
          });
        await last;
        return host.forward.dial(target, context);
      },
    };
  },
};
