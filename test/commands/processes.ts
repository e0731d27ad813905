import { execFileSync } from "node:child_process";

export interface Running {
  pid: number;
  parent: number;
  command: string;
}

/** All processes of this machine that run. */
export function running(): Running[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,stat=,args="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [, pid, parent, state, command] = /^ *(\d+) +(\d+) +(\S+) +(.*)$/.exec(line) ?? [];
    // One that has ended and was not yet taken note of.
    if (state === undefined || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), command: command ?? "" }];
  });
}

/** A process with all that came of it. */
export function familyOf(pid: number): Running[] {
  const all = running();
  const family = all.filter((process) => process.pid === pid);
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
}

/** Those of a family that still run. */
export function left(family: readonly Running[]): Running[] {
  const all = running();
  return family.filter(({ pid, command }) => all.some((other) => other.pid === pid && other.command === command));
}
