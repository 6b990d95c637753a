import { join, relative } from 'node:path';
import { expect } from 'chai';
import { refusal, useFolder } from './folder.spec.helper.js';
import { findConfig } from './load.js';
import { hasConfig, type LoadOptions } from './places.js';

describe('where the config comes from', () => {
  const folder = useFolder();

  function options(env: NodeJS.ProcessEnv = {}): LoadOptions {
    return { env, home: folder.path('home'), systemDir: folder.path('etc') };
  }

  it('is, in this order: the file named by hand, FDPASS_CONFIG, the user, the system', () => {
    const file = folder.write('by-hand', '{}');
    const variable = folder.write('variable.json', '{}');
    const user = folder.write('home/.config/fdpass/config.yaml', '{}');
    const system = folder.write('etc/config.yaml', '{}');
    const env = { FDPASS_CONFIG: variable };
    expect(findConfig({ ...options(env), file })?.file).to.equal(file);
    expect(findConfig(options(env))?.file).to.equal(variable);
    expect(findConfig(options({ FDPASS_CONFIG: '' }))?.file).to.equal(user);
    expect(findConfig({ ...options(), home: folder.path('nobody') })?.file).to.equal(system);
    expect(findConfig({ ...options(), home: folder.path('nobody'), systemDir: folder.path('none') })).to.equal(
      undefined,
    );
  });

  it('is XDG_CONFIG_HOME instead of ~/.config, but only if that is absolute', () => {
    const user = folder.write('home/.config/fdpass/config.yaml', '{}');
    const xdg = folder.write('xdg/fdpass/config.yaml', '{}');
    expect(findConfig(options({ XDG_CONFIG_HOME: folder.path('xdg') }))?.file).to.equal(xdg);
    const fromHere = relative(process.cwd(), folder.path('xdg'));
    expect(findConfig(options({ XDG_CONFIG_HOME: fromHere }))?.file).to.equal(user);
    expect(findConfig({ ...options({ HOME: folder.path('home') }), home: undefined })?.file).to.equal(user);
  });

  it("is an embedding program's own folder and nothing else, if it says so", () => {
    folder.write('home/.config/fdpass/config.yaml', '{}');
    folder.write('app/config.yaml', 'not: ours');
    const search = { ...options({ FDPASS_CONFIG: folder.path('none') }), searchFrom: folder.path('app') };
    expect(findConfig(search)).to.equal(undefined);
    const own = folder.write('app/.fdpassrc', '{}');
    expect(findConfig(search)?.file).to.equal(own);
  });

  it('is an error if a file was named that is not there', () => {
    const missing = folder.path('missing.yaml');
    expect(refusal(() => findConfig({ ...options(), file: missing })).message).to.equal(
      `${missing}: no such file or directory`,
    );
    const error = refusal(() => findConfig(options({ FDPASS_CONFIG: missing })));
    expect(error).to.include({
      message: `${missing}: no such file or directory`,
      hint: 'check FDPASS_CONFIG, which names this file',
    });
  });

  it('is not a relative path in FDPASS_CONFIG, which any directory could answer', () => {
    const file = folder.write('config.yaml', '{}');
    const named = relative(process.cwd(), file);
    expect(refusal(() => findConfig(options({ FDPASS_CONFIG: named }))).message).to.match(
      /depends on the current directory/,
    );
    expect(findConfig({ ...options(), file: named })?.file).to.equal(file);
  });

  it('may be written with ~/', () => {
    const file = folder.write('home/x.yaml', '{}');
    expect(findConfig(options({ FDPASS_CONFIG: '~/x.yaml' }))?.file).to.equal(file);
    expect(findConfig({ ...options(), file: '~/x.yaml' })?.file).to.equal(file);
    expect(refusal(() => findConfig({ ...options(), home: join('not', 'absolute') })).message).to.match(
      /is not an absolute path/,
    );
  });

  it('is not in a home folder that there is not, as where a service runs', () => {
    const system = folder.write('etc/config.yaml', '{}');
    const file = folder.write('file', '');
    for (const home of ['', '/dev/null', file, folder.path('none')]) {
      expect(findConfig({ ...options(), home })?.file, home).to.equal(system);
      expect(findConfig({ ...options({ HOME: home }), home: undefined })?.file, home).to.equal(system);
      expect(hasConfig({ ...options(), home, systemDir: folder.path('none') }), home).to.equal(false);
    }
    expect(findConfig(options({ XDG_CONFIG_HOME: '/dev/null' }))?.file).to.equal(system);
    folder.write('home/.config', '');
    expect(findConfig(options())?.file).to.equal(system);
    const error = refusal(() => findConfig({ ...options({ HOME: '', FDPASS_CONFIG: '~/x' }), home: undefined }));
    expect(error).to.include({ message: 'the home folder is not an absolute path', hint: 'set HOME' });
  });

  it('is not a file where the folder should be', () => {
    const wrong = folder.write('home/.config/fdpass', 'rules: []');
    expect(refusal(() => findConfig(options()))).to.include({
      message: `${wrong} is not a folder`,
      hint: `move the configuration to ${wrong}/config.yaml`,
    });
  });

  it('does not depend on names: a package.yaml named by hand is a config like any other', () => {
    const file = folder.write('package.yaml', 'rules: []');
    expect(findConfig({ ...options(), file })?.data).to.deep.equal({ rules: [] });
  });

  it('is known to be there or not before anything is read, a broken or missing one that is named included', () => {
    expect(hasConfig(options())).to.equal(false);
    expect(hasConfig(options({ FDPASS_CONFIG: folder.path('missing') }))).to.equal(true);
    expect(hasConfig({ ...options(), file: folder.path('missing') })).to.equal(true);
    folder.write('etc/fdpass.json', '[');
    expect(hasConfig(options())).to.equal(true);
    expect(hasConfig({ ...options(), systemDir: folder.path('none') })).to.equal(false);
    folder.write('home/.config/fdpass/config', '');
    expect(hasConfig({ ...options(), systemDir: folder.path('none') })).to.equal(true);
  });
});
