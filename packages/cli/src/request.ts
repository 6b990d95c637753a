import { FdpassError, makeTarget, type Target } from '@fdpass/core';
import {
  type Answers,
  type Config,
  type ConfigCache,
  currentFolder,
  expandPath,
  type Framework,
  type Handover,
  parseDuration,
  type Route,
  type RouteOptions,
  type Router,
} from '@fdpass/core/host';
import { type Arguments, checkCount, usage } from './arguments.js';
import { builtinFramework } from './command-framework.js';
import { FDPASS } from './syntax.js';

/** What a dial is asked for on the command line; plain data, so that it can travel to a relay process. */
export interface DialRequest {
  readonly target: Target;
  readonly via: readonly string[];
  /** What has named those hops. */
  readonly viaSource: string;
  /** An absolute path. */
  readonly config?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** What conditions were answered for this dial in another process. */
  readonly answers?: Answers | undefined;
}

/** Reads HOST, PORT and the options that choose a route. @throws FdpassError `usage` */
export function readRequest(args: Arguments, defaultPort?: number): DialRequest {
  checkCount(FDPASS, args, 2);
  const [host, port = defaultPort] = args.operands;
  if (host === undefined) throw usage(FDPASS, 'the host is missing');
  if (port === undefined) throw usage(FDPASS, 'the port is missing');
  const user = args.value('user');
  const alias = args.value('alias');
  return {
    target: makeTarget({ host, port, ...(user !== undefined && { user }), ...(alias !== undefined && { alias }) }),
    ...readRouteOptions(args),
  };
}

/** `--stdio` or `--fdpass`; undefined if neither was given. @throws FdpassError `usage` */
export function readHandover(args: Arguments): Handover | undefined {
  if (args.flag('stdio') && args.flag('fdpass')) throw usage(FDPASS, '--stdio and --fdpass exclude each other');
  if (args.flag('stdio')) return 'relay';
  return args.flag('fdpass') ? 'descriptor' : undefined;
}

/** Reads the options that choose routes. @throws FdpassError `usage` */
export function readRouteOptions(args: Arguments): Omit<DialRequest, 'target'> {
  const config = args.value('config');
  return {
    via: args.values('via'),
    viaSource: args.sourceOf('via'),
    config: config === undefined ? undefined : expandPath(config, currentFolder()),
    timeoutMs: readTimeout(args),
  };
}

/** `--timeout` in milliseconds. @throws FdpassError `usage` */
export function readTimeout(args: Arguments): number | undefined {
  const written = args.value('timeout');
  if (written === undefined) return undefined;
  const timeoutMs = parseDuration(written);
  if (timeoutMs !== undefined) return timeoutMs;
  throw new FdpassError('usage', '--timeout is not a duration', {
    hint: 'write 10, 500ms or 2m',
  });
}

/** Where the programs of `--via` hops run: not in the current directory, which can be a stranger's clone. */
const VIA_FOLDER = '/';

/** A route, and the router that dials it. */
export interface FoundRoute {
  /** The config that it comes from; undefined if there is none. */
  readonly config: Config | undefined;
  readonly router: Router;
  readonly route: Route;
}

/**
 * Loads the framework and finds the route: through the `--via` hops of the request, or by the rules. With `--via` the config
 * is read too, since it can name the hops.
 *
 * @throws FdpassError `config`
 */
export async function findRoute(
  { config, ...request }: DialRequest,
  options: RouteOptions = {},
  cache?: ConfigCache,
): Promise<FoundRoute> {
  return routeBy(await builtinFramework(config === undefined ? {} : { file: config }, cache), request, options);
}

/** The route of a request in a framework. @throws FdpassError `config` */
export async function routeBy(
  { config, router }: Pick<Framework, 'config' | 'router'>,
  { target, via, viaSource, answers }: DialRequest,
  options: RouteOptions = {},
): Promise<FoundRoute> {
  const route = await (via.length > 0
    ? router.routeVia(target, via, VIA_FOLDER, viaSource, { ...options, answers })
    : router.route(target, { ...options, answers }));
  return { config, router, route };
}
