import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import { AbortSource } from '../ground/abortable.js';
import { noTrace } from '../ground/trace.js';
import { routeContext } from './context.js';
import { OwningDial, ownConnection } from './dialer.js';

const reason = new Error('enough');
const never = new Promise<never>(() => {});

/** A dial, with what destroyed its connections. */
function makeDial(outer = routeContext(new AbortSource(), noTrace)) {
  const dial = new OwningDial(outer);
  const destroyed: unknown[] = [];
  const open = (): void => {
    ownConnection({ destroy: (why: unknown) => destroyed.push(why) } as unknown as Connection, dial.context);
  };
  return { dial, destroyed, open };
}

describe('a dial that owns what is opened in it', () => {
  it('destroys that, and what is opened later, when it is aborted', () => {
    const source = new AbortSource();
    const { dial, destroyed, open } = makeDial(routeContext(source, noTrace));
    dial.listenTo(dial.state);
    open();
    source.abort(reason);
    open();
    expect(destroyed).to.deep.equal([reason, reason]);
  });

  it('destroys nothing once it has stopped listening', () => {
    const source = new AbortSource();
    const { dial, destroyed, open } = makeDial(routeContext(source, noTrace));
    dial.listenTo(dial.state);
    open();
    dial.stop();
    source.abort(reason);
    expect(destroyed).to.deep.equal([]);
  });

  it('knows the dials inside it as long as they last, and none that has ended before it began', () => {
    const { dial } = makeDial();
    const [first, second, late] = [1, 2, 3].map(() => new OwningDial(dial.context)) as OwningDial[];
    expect(first?.began(never)).to.equal(never);
    void second?.began(never);
    late?.ended();
    void late?.began(never);
    expect(dial.dials).to.deep.equal([first, second]);
    first?.ended();
    first?.ended();
    expect(dial.dials).to.deep.equal([second]);
  });
});
