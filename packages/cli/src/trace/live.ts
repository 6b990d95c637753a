import { writeSync } from 'node:fs';
import { ownStdout } from '../stdout.js';
import { Frame } from './frame.js';
import { lookOf } from './look.js';
import type { Recorder } from './recorder.js';
import { renderText } from './text.js';

/** How often the picture is drawn anew: often enough for bars to grow. */
const FRAME_MS = 100;

/** A picture of a dial on a terminal that is drawn anew until the dial is over. */
export interface LiveView {
  /** The terminal's columns. */
  readonly width: number;
  /** Removes the last picture, so that the final one can take its place. */
  end(): void;
}

/** Shows a dial to `place` on the terminal while it is under way; undefined if stdout is not a terminal. */
export function openLiveView(place: string, recorder: Recorder): LiveView | undefined {
  const terminal = process.stdout;
  if (!terminal.isTTY) return undefined;
  const frame = new Frame();
  const draw = (): void => {
    // A question stands below the picture, and so does its answer: both stay, and the next picture begins below them.
    if (recorder.newest?.event.event === 'asking') {
      frame.leave();
      return;
    }
    const lines = renderText(recorder.report(place), lookOf(terminal.columns));
    write(frame.next(lines.slice(1 - terminal.rows), terminal.columns));
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    width: terminal.columns,
    end() {
      clearInterval(timer);
      write(frame.erase(terminal.columns));
    },
  };
}

/** Plugins can have been given descriptor 1. */
function write(text: string): void {
  writeSync(ownStdout(), text);
}
