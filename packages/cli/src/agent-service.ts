import { isAbsolute, join } from 'node:path';
import { homeFolder } from '@fdpass/core/host';

/*
 * What service managers are told. systemd listens on the socket itself and starts the agent for the first client; launchd
 * starts it when the user logs in, since a program can take over launchd's sockets only by a call of its own.
 */

/** The files that a service manager reads, and the commands that make it notice them. */
export interface Service {
  readonly files: readonly (readonly [path: string, content: string])[];
  readonly enable: readonly Command[];
  /** Before the files are removed. */
  readonly disable: readonly Command[];
  /** After that. */
  readonly forget: readonly Command[];
}

type Command = readonly [program: string, ...args: string[]];

/** What a service is made for. */
export interface ServicePlace {
  readonly platform: NodeJS.Platform;
  readonly environment: NodeJS.ProcessEnv;
  /** The program that runs Node. */
  readonly node: string;
  /** The command's own file. */
  readonly script: string;
  readonly socket: string;
}

/** Undefined for a system whose service manager is not known. */
export function makeService(place: ServicePlace): Service | undefined {
  if (place.platform === 'linux') return systemdService(place);
  return place.platform === 'darwin' ? launchdService(place) : undefined;
}

const SYSTEMD_SOCKET = 'fdpass-agent.socket';
const SYSTEMD_SERVICE = 'fdpass-agent.service';

/** What can make Node run other code, as in the launcher. */
const UNSET =
  'NODE_OPTIONS NODE_PATH NODE_DEBUG NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_ICU_DATA NODE_REDIRECT_WARNINGS ' +
  'NODE_PENDING_DEPRECATION NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN NODE_REPL_EXTERNAL_MODULE';

function systemdService({ environment, node, script, socket }: ServicePlace): Service {
  const { XDG_CONFIG_HOME } = environment;
  const base =
    XDG_CONFIG_HOME && isAbsolute(XDG_CONFIG_HOME)
      ? XDG_CONFIG_HOME
      : join(homeFolder(environment['HOME'] || undefined), '.config');
  const folder = join(base, 'systemd/user');
  const systemctl = (...args: readonly string[]): Command => ['systemctl', '--user', ...args];
  return {
    files: [
      [
        join(folder, SYSTEMD_SOCKET),
        `[Unit]
Description=The socket of the fdpass agent

[Socket]
ListenStream=${escapeSystemd(socket)}
SocketMode=0600
DirectoryMode=0700
Backlog=4096
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`,
      ],
      [
        join(folder, SYSTEMD_SERVICE),
        `[Unit]
Description=The fdpass agent

[Service]
ExecStart=${[node, script].map(quoteSystemd).join(' ')} agent run
UnsetEnvironment=${UNSET}
`,
      ],
    ],
    enable: [systemctl('daemon-reload'), systemctl('enable', '--now', SYSTEMD_SOCKET)],
    disable: [systemctl('disable', '--now', SYSTEMD_SOCKET, SYSTEMD_SERVICE)],
    forget: [systemctl('daemon-reload')],
  };
}

/** systemd.unit(5): a percent sign begins a specifier. */
function escapeSystemd(text: string): string {
  return text.replaceAll('%', '%%');
}

/** A word of ExecStart (systemd.service(5)). */
function quoteSystemd(word: string): string {
  return `"${escapeSystemd(word).replaceAll(/["\\]/g, '\\$&').replaceAll('$', '$$$$')}"`;
}

const LAUNCHD_LABEL = 'io.github.fdpass.agent';

function launchdService({ environment, node, script }: ServicePlace): Service {
  const file = join(homeFolder(environment['HOME'] || undefined), 'Library/LaunchAgents', `${LAUNCHD_LABEL}.plist`);
  const words = [node, script, 'agent', 'run', '--idle', '0'].map((word) => `<string>${escapeXml(word)}</string>`);
  const domain = `gui/${process.getuid?.() ?? ''}`;
  return {
    files: [
      [
        file,
        `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>${LAUNCHD_LABEL}</string>
  <key>ProgramArguments</key><array>${words.join('')}</array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict>
</plist>
`,
      ],
    ],
    enable: [['launchctl', 'bootstrap', domain, file]],
    disable: [['launchctl', 'bootout', `${domain}/${LAUNCHD_LABEL}`]],
    forget: [],
  };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
