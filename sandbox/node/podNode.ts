// A node that runs pods: a machine of its own with containerd, kubelet and kube-proxy, and images for the sandbox's outposts.
import { join } from "node:path";
import { outpostRows, stackRows } from "../../settings/table";
import type { User } from "../cluster/credentials";
import { OUTPOST_IMAGE } from "../outpost/reference";
import { goBuild, requireGo } from "../toolchain/go";
import { createKubeletCertificates, type KubeletCertificates } from "./certificates";
import { Containerd } from "./containerd";
import type { ImageSpec } from "./images";
import { startKubelet } from "./kubelet";
import { startMachine, type Machine, type Site } from "./machine";

export const NODE_TOOLS = ["kubelet", "kube-proxy", "kubectl"] as const;

/** Image like authentik's, but without a shell. */
export const SHELL_LESS_IMAGE = `${OUTPOST_IMAGE}-without-shell`;
/** Image of an outpost that does nothing, so that many fit on a node. It starts with {@link ASLEEP_SESSIONS} expired sessions. */
export const ASLEEP_IMAGE = `${OUTPOST_IMAGE}-asleep`;
export const ASLEEP_SESSIONS = 50;
/** Environment of an outpost's image, as authentik's proxy.Dockerfile sets it. */
const IMAGE_ENV = { TMPDIR: "/dev/shm/" };
const FALL_ASLEEP = `
for n in $(seq ${ASLEEP_SESSIONS}); do echo a visitor >/dev/shm/session_$n; done
touch -d @1000000000 /dev/shm/session_*
trap 'exit 0' TERM
sleep 1000000 &
wait`;

/** The machine that the control plane and the node share. */
export interface Ground {
  machine: Machine;
  kubelet: KubeletCertificates;
}

export interface PodNode {
  readonly machine: Machine;
  /** Kills the container runtime and starts it again. Resolves when it answers. Containers keep running meanwhile. */
  restartContainerd(): Promise<void>;
  /** Kills the first process of a container. `containerID` is the one in a pod's status. */
  kill(containerID: string): void;
}

export async function prepareGround(site: Site): Promise<Ground> {
  const machine = await startMachine(site);
  return {
    machine,
    kubelet: createKubeletCertificates(join(site.stateDir, "kubelet-certificates"), machine.address),
  };
}

export interface PodNodeOptions extends Site {
  ground: Ground;
  tools: Record<(typeof NODE_TOOLS)[number], string>;
  kubeconfigOf: (user: User) => string;
}

/** Starts the node. Resolves when its programs run and its images are there; the node is ready some seconds later. */
export async function startPodNode(options: PodNodeOptions): Promise<PodNode> {
  const { ground, tools, kubeconfigOf, stateDir, logDir } = options;
  const { machine } = ground;
  const containerd = new Containerd({ ...options, machine });
  await containerd.start();
  const standIn = join(stateDir, "outpost-stand-in");
  const sources = join(__dirname, "../outpostStandIn");
  requireGo([sources]);
  const build = ["-trimpath", "-ldflags", "-s -w", "-o", standIn, "."];
  await goBuild(sources, build, join(logDir, "outpost-stand-in.build.log"));
  containerd.addImages(images(standIn, tools.kubectl));
  const kubeconfigs = { kubelet: kubeconfigOf("kubelet"), proxy: kubeconfigOf("proxy") };
  await startKubelet({ ...options, machine, certificates: ground.kubelet, kubeconfigs });
  return {
    machine,
    restartContainerd: () => containerd.restart(),
    kill: (containerID) => containerd.kill(containerID.replace("containerd://", "")),
  };
}

/** Images that the program deploys by default, and those of the outposts. */
function images(standIn: string, kubectl: string): ImageSpec[] {
  const outpost = {
    programs: [standIn],
    command: ["outpost-stand-in"],
    user: "1000:1000",
    env: IMAGE_ENV,
  };
  return [
    { name: OUTPOST_IMAGE, ...outpost },
    { name: SHELL_LESS_IMAGE, ...outpost, shell: false },
    { name: ASLEEP_IMAGE, command: ["sh", "-c", FALL_ASLEEP], user: outpost.user, env: outpost.env },
    { name: String(outpostRows.cleanerImage.default), command: ["sh"] },
    { name: String(stackRows.kubectlImage.default), programs: [kubectl], command: ["kubectl"] },
  ];
}
