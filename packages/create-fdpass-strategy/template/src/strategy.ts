import { FdpassError, type Strategy } from '@fdpass/core';
import * as v from 'valibot';
import { encodeRequest, MAX_REPLY_LENGTH, missingOfReply, refusalIn } from './wire.js';

const GATEWAY = /^(?<host>.+):(?<port>\d{1,5})$/;

const optionsSchema = v.strictObject({
  /** HOST:PORT of the gateway. */
  gateway: v.pipe(v.string(), v.regex(GATEWAY, 'expected HOST:PORT')),
});

/** The strategy's options, checked. */
export type StrategyOptions = v.InferOutput<typeof optionsSchema>;

/** Reaches targets through a gateway that takes a request of one line. */
export const strategy: Strategy<StrategyOptions> = {
  name: '__STRATEGY__',
  apiVersion: 2,
  optionsSchema,
  create({ gateway }, host) {
    const place = GATEWAY.exec(gateway)?.groups ?? {};
    const address = { host: place['host'] ?? '', port: Number(place['port']) };
    return {
      async dial(target, context) {
        // `forward` reaches the gateway through the hops before it. If this dial fails, the connection is closed for us.
        const connection = await host.forward.dial(address, context);
        await connection.write(encodeRequest(target.host, target.port));
        const reply = await connection.readThrough(missingOfReply, MAX_REPLY_LENGTH, "the gateway's reply");
        checkReply(reply, gateway);
        return connection;
      },
    };
  },
};

function checkReply(reply: Buffer, gateway: string): void {
  let refusal: string | undefined;
  try {
    refusal = refusalIn(reply);
  } catch (cause) {
    throw new FdpassError('protocol', `${gateway} does not answer like a gateway`, { hint: 'check the port', cause });
  }
  if (refusal !== undefined) throw new FdpassError('unreachable', `${gateway} refused: ${JSON.stringify(refusal)}`);
}
