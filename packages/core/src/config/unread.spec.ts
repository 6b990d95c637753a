import { expect } from 'chai';
import { useFolder } from './folder.spec.helper.js';
import type { LoadOptions } from './places.js';
import { inspectSearch } from './unread.js';

describe('files that seem to be a config and are not read', () => {
  const folder = useFolder();
  const options = (env: NodeJS.ProcessEnv = {}): LoadOptions => {
    return { env, home: folder.path('home'), systemDir: folder.path('etc/fdpass') };
  };

  const passedOver: readonly string[] = [
    'home/.config/fdpass/config.toml',
    'home/.config/fdpass/config.ini',
    'home/.config/fdpass/Config.yaml',
    'home/.config/fdpass/config.yaml.bak',
    'home/.config/fdpass/config.yaml~',
    'home/.config/fdpass/config.js',
    'home/.config/fdpass/.fdpass.yaml',
    'home/.config/fdpass.yaml',
    'home/.config/fdpass.toml',
    'home/.fdpassrc',
    'home/.fdpass.yml',
    'home/.fdpass/config.yaml',
    'etc/fdpass/config.conf',
    'etc/fdpass.yaml',
  ];
  for (const name of passedOver) {
    it(name, () => {
      const file = folder.write(name, '');
      expect(inspectSearch(options()).unread).to.deep.equal([file]);
    });
  }

  it('are not plugins, passwords and other files beside it', () => {
    for (const name of ['gateway.mjs', 'proxy.password', 'team.yaml', 'configure', 'corp'])
      folder.write(`home/.config/fdpass/${name}`, '');
    folder.write('home/.config/fdpassage/config.yaml', '');
    expect(inspectSearch(options()).unread).to.deep.equal([]);
  });

  it("are those behind the first too: a second file in its folder, and the system's", () => {
    folder.write('home/.config/fdpass/config.yaml', '{}');
    const second = folder.write('home/.config/fdpass/config.json', '{}');
    const system = folder.write('etc/fdpass/config.yaml', '{}');
    expect(inspectSearch(options()).unread).to.deep.equal([second, system]);
  });

  it('are those in ~/.config if XDG_CONFIG_HOME is elsewhere', () => {
    const file = folder.write('home/.config/fdpass/config.yaml', '{}');
    const search = inspectSearch(options({ XDG_CONFIG_HOME: folder.path('xdg') }));
    expect(search.unread).to.deep.equal([file]);
    expect(search.folders).to.deep.equal([folder.path('xdg/fdpass'), folder.path('etc/fdpass')]);
  });

  it('are none if a file is named by hand', () => {
    const file = folder.write('home/.config/fdpass/config.toml', '{}');
    expect(inspectSearch({ ...options(), file }).unread).to.be.empty;
    expect(inspectSearch(options({ FDPASS_CONFIG: file })).folders).to.be.empty;
  });
});
