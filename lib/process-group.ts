import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

/** How long a group may take to end by itself. */
const GRACE_MS = 5_000;

/** A program with all the processes that it starts, none of which outlives this one. */
export interface ProcessGroup {
  leader: ChildProcess;
  /** Asks the program to end, then ends what is left of the group. Once more: nothing. */
  stop: () => Promise<void>;
}

/**
 * Waits in a process of its own for this one's end, whatever that is: the pipe on its standard input closes then, also
 * after SIGKILL. A line on it says that there is nothing left to end.
 */
const GUARD = `
read -r line && exit 0
kill -TERM "$1"
tries=0
while kill -0 -- "-$1" 2>/dev/null && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL -- "-$1" 2>/dev/null
`;

/** Starts a program at the head of a process group of its own. Where there are no groups (Windows) it is alone. */
export function startGroup(program: string, args: readonly string[], options: SpawnOptions): ProcessGroup {
  const grouped = process.platform !== "win32";
  const leader = spawn(program, args, { ...options, detached: grouped });
  const { pid } = leader;
  if (!grouped || pid === undefined) return { leader, stop: async () => void leader.kill() };

  const guard = spawn("sh", ["-c", GUARD, "guard", String(pid)], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // It never keeps this process from ending; where it could not be started there is just no guard.
  guard.on("error", () => undefined).unref();
  guard.stdin?.on("error", () => undefined);
  if (guard.stdin && "unref" in guard.stdin) (guard.stdin as unknown as { unref: () => void }).unref();

  const ended = new Promise<void>((resolve) => leader.once("exit", () => resolve()));
  const stop = async () => {
    leader.kill("SIGTERM");
    const late = setTimeout(() => signalGroup(pid, "SIGKILL"), GRACE_MS);
    await ended;
    clearTimeout(late);
    signalGroup(pid, "SIGKILL");
    guard.stdin?.end("done\n");
  };
  // A leader that ends by itself may leave others behind.
  leader.once("exit", () => signalGroup(pid, "SIGKILL"));
  return { leader, stop };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // There is nobody left.
  }
}
