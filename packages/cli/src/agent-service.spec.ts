import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeService, type Service, type ServicePlace } from './agent-service.js';

const PLACE: ServicePlace = {
  platform: 'linux',
  environment: { HOME: '/home/me' },
  node: '/opt/node 22/bin/node',
  script: '/opt/100%$odd"/fdpass.cjs',
  socket: '/run/user/1/fdpass/agent.sock',
};

describe('the service of the agent', () => {
  const made = (more: Partial<ServicePlace> = {}): Service =>
    makeService({ ...PLACE, ...more }) ?? expect.fail('no service was made');

  it('is for systemd a socket of the user alone, and a process for its first client', () => {
    const { files, enable, disable, forget } = made();
    const [[socketFile, socket], [serviceFile, service]] = files as [[string, string], [string, string]];
    expect([socketFile, serviceFile]).to.deep.equal([
      '/home/me/.config/systemd/user/fdpass-agent.socket',
      '/home/me/.config/systemd/user/fdpass-agent.service',
    ]);
    expect(socket).to.include('\nListenStream=/run/user/1/fdpass/agent.sock\nSocketMode=0600\nDirectoryMode=0700\n');
    expect(service).to.include('\nExecStart="/opt/node 22/bin/node" "/opt/100%%$$odd\\"/fdpass.cjs" agent run\n');
    const launcher = readFileSync(join(import.meta.dirname, '../bin/fdpass.cjs'), 'utf8');
    const removed = /^fdpass_variables='([^']*)'/m.exec(launcher)?.[1]?.split(/\s+/).join(' ');
    expect(service).to.include(`\nUnsetEnvironment=${removed}\n`);
    expect([enable, disable, forget].map((commands) => commands.map((words) => words.join(' ')))).to.deep.equal([
      ['systemctl --user daemon-reload', 'systemctl --user enable --now fdpass-agent.socket'],
      ['systemctl --user disable --now fdpass-agent.socket fdpass-agent.service'],
      ['systemctl --user daemon-reload'],
    ]);
  });

  it('is in XDG_CONFIG_HOME, if that is an absolute path', () => {
    const fileIn = (XDG_CONFIG_HOME: string): string | undefined =>
      made({ environment: { HOME: '/home/me', XDG_CONFIG_HOME } }).files[0]?.[0];
    expect(fileIn('/etc/me')).to.equal('/etc/me/systemd/user/fdpass-agent.socket');
    expect(fileIn('relative')).to.equal('/home/me/.config/systemd/user/fdpass-agent.socket');
  });

  it('is for launchd a process that starts with the session and does not end by itself', () => {
    const { files, enable, disable } = made({ platform: 'darwin', script: '/opt/<odd> & co/fdpass.cjs' });
    const [[file, content]] = files as [[string, string]];
    expect(file).to.equal('/home/me/Library/LaunchAgents/io.github.fdpass.agent.plist');
    expect(content).to.include(
      '<array><string>/opt/node 22/bin/node</string><string>/opt/&lt;odd> &amp; co/fdpass.cjs</string><string>agent</string><string>run</string><string>--idle</string><string>0</string></array>',
    );
    const domain = `gui/${process.getuid?.()}`;
    expect([enable, disable]).to.deep.equal([
      [['launchctl', 'bootstrap', domain, file]],
      [['launchctl', 'bootout', `${domain}/io.github.fdpass.agent`]],
    ]);
  });

  it('is none for a system whose service manager is not known', () => {
    expect(makeService({ ...PLACE, platform: 'freebsd' })).to.equal(undefined);
  });
});
