import { expect } from 'chai';
import { agentSocket } from './place.js';

describe("the agent's socket is", () => {
  const places: readonly [environment: Record<string, string>, socket: string | undefined][] = [
    [{ HOME: '/home/me' }, '/home/me/.cache/fdpass/agent.sock'],
    [{ HOME: '/home/me', XDG_CACHE_HOME: '/cache' }, '/cache/fdpass/agent.sock'],
    [{ HOME: '/home/me', XDG_CACHE_HOME: '/cache', XDG_RUNTIME_DIR: '/run/user/1' }, '/run/user/1/fdpass/agent.sock'],
    [{ HOME: '/home/me', XDG_RUNTIME_DIR: '', XDG_CACHE_HOME: '' }, '/home/me/.cache/fdpass/agent.sock'],
    [{ HOME: '/home/me', FDPASS_AGENT: '/mine.sock' }, '/mine.sock'],
    [{ HOME: '/home/me', FDPASS_AGENT: 'none' }, undefined],
    [{ HOME: '/home/me', FDPASS_AGENT: '' }, '/home/me/.cache/fdpass/agent.sock'],
    [{}, '/.cache/fdpass/agent.sock'],
    [{ XDG_RUNTIME_DIR: 'relative' }, undefined],
    [{ HOME: '/home/100%me' }, undefined],
    [{ HOME: '/home/a b' }, undefined],
    [{ HOME: `/home/${'x'.repeat(80)}` }, undefined],
  ];
  for (const [environment, socket] of places) {
    it(`${socket ?? 'nowhere'} where ${JSON.stringify(environment)}`, () => {
      expect(agentSocket(environment)).to.equal(socket);
    });
  }
});
