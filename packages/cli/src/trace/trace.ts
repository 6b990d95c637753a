import { writeFileSync } from 'node:fs';
import { FdpassError, formatHostPort, fromSystemError } from '@fdpass/core';
import { currentFolder, expandPath, type Framework } from '@fdpass/core/host';
import type { Arguments } from '../arguments.js';
import { builtinFramework } from '../command-framework.js';
import { configCache } from '../config-cache.js';
import { print } from '../print.js';
import { readRequest } from '../request.js';
import { renderJson } from './json.js';
import { openLiveView } from './live.js';
import { lookOf } from './look.js';
import { Recorder } from './recorder.js';
import { renderSvg } from './svg.js';
import { renderText } from './text.js';
import { traceDial } from './traced-dial.js';

const SSH_PORT = 22;

/** `fdpass trace HOST [PORT]`: dials, shows what happened when, and closes. Returns the exit code of the dial. */
export async function trace(args: Arguments): Promise<number> {
  const request = readRequest(args, SSH_PORT);
  const { config, target } = request;
  const place = formatHostPort(target.host, target.port);
  const recorder = new Recorder();
  recordStart(recorder);
  const view = args.flag('json') ? undefined : openLiveView(place, recorder);
  const load = (): Promise<Framework> => builtinFramework(config === undefined ? {} : { file: config }, configCache());
  const traced = await traceDial(request, load, recorder);
  const report = recorder.report(place, traced.result);
  view?.end();
  if (args.flag('json')) await print(renderJson(report, traced));
  else await print(`${renderText(report, lookOf(view?.width)).join('\n')}\n`);
  const picture = args.value('svg');
  if (picture !== undefined) writePicture(picture, renderSvg(report));
  return traced.result.exitStatus;
}

/** What has happened before any code of this command ran. */
function recordStart(recorder: Recorder): void {
  const { bootstrapComplete } = performance.nodeTiming;
  const node = `Node ${process.versions.node} starts`;
  recorder.add({ event: 'stage', text: node, ms: bootstrapComplete }, bootstrapComplete);
  recorder.add({ event: 'stage', text: 'fdpass is loaded', ms: recorder.nowMs - bootstrapComplete });
}

function writePicture(file: string, svg: string): void {
  const path = expandPath(file, currentFolder());
  try {
    writeFileSync(path, svg);
  } catch (error) {
    const { message } = fromSystemError(error, `cannot write the picture ${path}`);
    throw new FdpassError('usage', message, { hint: 'choose another file with --svg', cause: error });
  }
}
