// The container runtime of a node: Debian's containerd and runc, with all their files in the machine's own /run and /var/lib.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunningProcess } from "../processes";
import { waitUntil } from "../waitUntil";
import { writeImage, type ImageSpec } from "./images";
import type { Machine, Site } from "./machine";

export const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";
/** Image of the container that holds a pod's namespaces. */
const PAUSE_IMAGE = "registry.k8s.io/pause:3.10";
const PODS_BRIDGE = "pods0";
/** Network of the pods, inside the machine. Nothing outside routes to it. */
export const PODS_NETWORK = "10.244.0.0/16";

const READY_TIMEOUT_MS = 30_000;

export class Containerd {
  private process: RunningProcess | undefined;

  constructor(private readonly options: Site & { machine: Machine }) {}

  /** Starts containerd, and resolves when it answers. */
  async start(): Promise<void> {
    const { machine, stateDir, logDir, processes } = this.options;
    const signal = processes.death;
    const dir = join(stateDir, "containerd");
    mkdirSync(join(dir, "cni"), { recursive: true });
    writeFileSync(join(dir, "cni", "10-pods.conflist"), JSON.stringify(podNetwork()));
    writeFileSync(join(dir, "config.toml"), configuration(join(dir, "cni")));
    const args = ["--config", join(dir, "config.toml")];
    const logFile = join(logDir, "containerd.log");
    this.process = await machine.start({ name: "containerd", command: "containerd", args, cwd: "/", logFile }, "own");
    await waitUntil(() => this.ctr("version"), { what: "containerd to answer", timeoutMs: READY_TIMEOUT_MS, signal });
  }

  /** Kills it and starts it again. Its containers keep running, as they do under systemd. */
  async restart(): Promise<void> {
    await this.process?.stop();
    await this.start();
  }

  addImages(images: readonly ImageSpec[]): void {
    const dir = join(this.options.stateDir, "images");
    mkdirSync(dir);
    const pause: ImageSpec = { name: PAUSE_IMAGE, command: ["/bin/sleep", "2147483647"] };
    for (const [index, image] of [pause, ...images].entries()) {
      const file = join(dir, `${index}.tar`);
      writeImage(image, file, dir);
      this.ctr("images", "import", file);
    }
  }

  /** Kills a container's first process, as the kernel or an operator would. `id` is without Kubernetes' scheme in front. */
  kill(id: string): void {
    this.ctr("tasks", "kill", "--signal", "SIGKILL", id);
  }

  private ctr(...args: string[]): string {
    return this.options.machine.run("ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", ...args);
  }
}

/** Configures a bridge for the pods that is also their gateway. Outside it they have the machine's address. */
function podNetwork(): unknown {
  const ipam = { type: "host-local", ranges: [[{ subnet: PODS_NETWORK }]], routes: [{ dst: "0.0.0.0/0" }] };
  const bridge = { type: "bridge", bridge: PODS_BRIDGE, isGateway: true, ipMasq: true, ipam };
  return { cniVersion: "1.0.0", name: "pods", plugins: [bridge, { type: "loopback" }] };
}

function configuration(cniDir: string): string {
  return `version = 2
[grpc]
  address = "${CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true # without CAP_SYS_RESOURCE a score can't be lowered
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cniDir}"
`;
}
