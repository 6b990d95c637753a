import { FdpassError, handshake, type Strategy } from '@fdpass/core';
import * as v from 'valibot';
import { encodeRequest, MAX_REPLY_LENGTH, missingOfReply, refusalIn } from './wire.js';

const GATEWAY = /^(?<host>.+):(?<port>\d{1,5})$/;

const optionsSchema = v.strictObject({
  /** HOST:PORT of the gateway. */
  gateway: v.pipe(v.string(), v.regex(GATEWAY, 'expected HOST:PORT')),
});

/** The strategy's options, checked. */
export type StrategyOptions = v.InferOutput<typeof optionsSchema>;

/** Reaches targets through a gateway that is asked with one line. */
export const strategy: Strategy<StrategyOptions> = {
  name: '__STRATEGY__',
  apiVersion: 1,
  optionsSchema,
  create({ gateway }, forward) {
    const { host = '', port } = GATEWAY.exec(gateway)?.groups ?? {};
    const place = { host, port: Number(port) };
    return {
      async dial(target, context) {
        // `forward` reaches the gateway, through whatever hops lie before it; what it gives is ours until we give it on.
        const connection = await forward.dial(place, context);
        const { stream } = await handshake(connection, context, async (peer) => {
          await peer.write(encodeRequest(target.host, target.port));
          const reply = await peer.readThrough(missingOfReply, MAX_REPLY_LENGTH, "the gateway's reply");
          checkReply(reply, gateway);
        });
        return stream;
      },
    };
  },
};

function checkReply(reply: Buffer, gateway: string): void {
  let refusal: string | undefined;
  try {
    refusal = refusalIn(reply);
  } catch (cause) {
    throw new FdpassError('protocol', `${gateway} gave no reply of a gateway`, { hint: 'is the port right?', cause });
  }
  if (refusal !== undefined) throw new FdpassError('unreachable', `${gateway} refused: ${JSON.stringify(refusal)}`);
}
