/** NVIDIA's own tritonserver, from the wheel that PyTriton ships it in, with its Python backend, on the CPU. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmod, cp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ROOT } from "../../../lib/root.ts";
import { freePort } from "../../origin/process.ts";
import { pythonOf, untilReady } from "../python.ts";

const FOLDER = join(ROOT, "test/conformance/triton");

/** Where the wheel lies, and the libraries that the server and its Python processes need. */
export interface Triton {
  python: string;
  server: string;
  backends: string;
  libraries: string;
}

interface Environment {
  version: string;
  platform: string;
  sitePackages: string;
  libraries: string;
}

const DESCRIBE = `
import json, platform, sys, sysconfig
print(json.dumps({
  "version": "%d.%d" % sys.version_info[:2],
  "platform": sys.platform + "-" + platform.machine(),
  "sitePackages": sysconfig.get_paths()["purelib"],
  "libraries": sysconfig.get_config_var("LIBDIR"),
}))`;

const describe = (python: string) =>
  JSON.parse(execFileSync(python, ["-c", DESCRIBE], { encoding: "utf8" })) as Environment;

/**
 * Makes ready what the wheel leaves to its own Python layer, which this is without: the stub of this Python. PyTorch is
 * training's; numpy is the older one that the server of the wheel was built for.
 * @param folder an empty one, for the backend
 * @returns why this machine cannot have the server, if it cannot
 */
export async function prepareTriton(folder: string): Promise<Triton | string> {
  const host = describe("python3");
  if (host.platform !== "linux-x86_64")
    return `the wheel nvidia-pytriton is for linux-x86_64, this is ${host.platform}`;
  let python: string;
  try {
    python = pythonOf(FOLDER, "triton");
  } catch {
    return "the wheel nvidia-pytriton could not be installed";
  }
  const { sitePackages, libraries, version } = describe(python);
  const torch = describe(execFileSync("bash", [join(ROOT, "training/env.sh")], { encoding: "utf8" }).trim());
  await writeFile(join(sitePackages, "training.pth"), torch.sitePackages);
  const wheel = join(sitePackages, "pytriton/tritonserver");
  const backends = join(folder, "backends");
  const backend = join(backends, "python");
  await cp(join(wheel, "backends/python"), backend, { recursive: true });
  const stub = join(backend, "triton_python_backend_stub");
  await cp(join(wheel, `python_backend_stubs/${version}/triton_python_backend_stub`), stub);
  await chmod(stub, 0o755);
  const bundled = join(sitePackages, "nvidia_pytriton.libs");
  return { python, server: join(wheel, "bin/tritonserver"), backends, libraries: `${libraries}:${bundled}` };
}

/** A server as a process of its own, to be killed and started again on the same ports. */
export class TritonProcess {
  readonly #triton: Triton;
  readonly #repository: string;
  readonly ports: Record<"http" | "grpc" | "metrics", number>;
  #child: ChildProcess | undefined;
  /** What it wrote, for who looks why a test failed. */
  log = "";

  private constructor(triton: Triton, repository: string, ports: TritonProcess["ports"]) {
    this.#triton = triton;
    this.#repository = repository;
    this.ports = ports;
  }

  /** Started, with all its models ready. */
  static async start(triton: Triton, repository: string): Promise<TritonProcess> {
    const ports = { http: await freePort(), grpc: await freePort(), metrics: await freePort() };
    const process = new TritonProcess(triton, repository, ports);
    await process.start();
    return process;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  /** @param only of its models; default: all */
  async start(only?: readonly string[]): Promise<void> {
    const { python, server, backends, libraries } = this.#triton;
    const args = [
      ...[`--model-repository=${this.#repository}`, `--backend-directory=${backends}`],
      ...["http", "grpc"].map((name) => `--${name}-address=127.0.0.1`),
      ...Object.entries(this.ports).map(([name, port]) => `--${name}-port=${port}`),
      ...(only ? ["--model-control-mode=explicit", ...only.map((model) => `--load-model=${model}`)] : []),
      // Seconds after SIGTERM; the shared memory of each instance by the process, so that two servers do not meet.
      ...[
        "--exit-timeout-secs=5",
        "--disable-auto-complete-config",
        `--backend-config=python,shm-region-prefix-name=igpt-${this.ports.http}`,
      ],
    ];
    // Its Python is that of the first python3 on the path, environments included.
    const path = `${dirname(python)}:${process.env.PATH}`;
    const env = { ...process.env, PATH: path, LD_LIBRARY_PATH: libraries };
    // Its shells would read ~/.bashrc, which may set another path, were their input a socket, as pipes of Node are.
    const child = spawn(server, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (this.log += String(chunk)));
    try {
      await untilReady(`${this.url}/v2/health/ready`, child);
    } catch (error) {
      // Of its many lines those that say why.
      const errors = this.log.split("\n").filter((line) => /^E\d|rror:/.test(line));
      throw new Error([String(error), ...errors].join("\n"), { cause: error });
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await exited;
  }

  /** A counter of /metrics, of one model; 0 where it has none yet. @param label another one of its labels, as written there */
  async metric(name: string, model: string, label = ""): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.ports.metrics}/metrics`)).text();
    const found = text
      .split("\n")
      .find((line) => line.startsWith(`${name}{`) && line.includes(`model="${model}"`) && line.includes(label));
    return Number(found?.split(" ").at(-1) ?? 0);
  }
}
