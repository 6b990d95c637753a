import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The sockets and pipes that this process has open. Linux only: elsewhere the list is empty. */
export function openSocketsAndPipes(): string[] {
  return numericEntries('/proc/self/fd').flatMap((fd) => {
    const target = tryTo(() => readlinkSync(`/proc/self/fd/${fd}`)); // the descriptor of this very listing is closed
    return target !== undefined && /socket:|pipe:/.test(target) ? [`${fd} ${target}`] : [];
  });
}

/** The ids of our children, their children and so on. Linux only: elsewhere the list is empty. */
export function childProcesses(): number[] {
  const all = numericEntries('/proc').map((pid) => ({ pid: Number(pid), parent: parentOf(pid) }));
  const below = (pid: number): number[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child.pid, ...below(child.pid)]);
  return below(process.pid);
}

/** Undefined if the process has ended meanwhile. */
function parentOf(pid: string): number | undefined {
  const stat = tryTo(() => readFileSync(`/proc/${pid}/stat`, 'latin1')); // proc_pid_stat(5): PID (NAME) STATE PARENT
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function numericEntries(folder: string): string[] {
  return (tryTo(() => readdirSync(folder)) ?? []).filter((name) => /^\d+$/.test(name));
}

function tryTo<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
