import { type Dialer, openSocket } from '@fdpass/core';

/** The network itself, as the first hop of a chain has it: one connect(). */
export const direct: Dialer = {
  dial: ({ host, port }, context) => openSocket({ family: 4, host, port }, {}, context),
};
