import { directoryOf, sessionPlace, type SessionPlace } from "../../authentik/sessionPlace";
import { shmMountPath } from "../../cleaner/names";
import type { Cluster } from "../../kubernetes/cluster";
import type { Deployment, Pod } from "../../kubernetes/types";
import { containersNamed } from "./containers";
import type { OutpostPod } from "./outpostPods";

/** The facts that a command in the outpost's own container reports. Anything that it did not report is undefined. */
export interface Inside {
  /** TMPDIR of its environment, which is that of the outpost's own process; empty if it is not set. */
  tmpdir?: string;
  /** Size of /dev/shm. */
  shmBytes?: number;
  /** Reason why there is no size. */
  error?: string;
}

const script = `echo "TMPDIR=$TMPDIR"; df -kP ${shmMountPath}`;

/**
 * Runs a command in the outpost's own container, if the pod is running. Never rejects: many may not exec, and an image may have no
 * shell.
 */
export async function lookInside(cluster: Cluster, { namespace, name, container, pod }: OutpostPod): Promise<Inside> {
  if (pod.status?.phase !== "Running") return {};
  try {
    const { stdout, stderr } = await cluster.exec({ namespace, pod: name, container }, ["sh", "-c", script]);
    const tmpdir = /^TMPDIR=(.*)$/m.exec(stdout)?.[1];
    const [, kibibytes] = stdout.trim().split("\n").at(-1)?.split(/\s+/) ?? [];
    const isSize = /^\d+$/.test(kibibytes ?? "");
    return {
      ...(tmpdir !== undefined && { tmpdir }),
      ...(isSize ? { shmBytes: Number(kibibytes) * 1024 } : { error: stderr.trim() || "df said nothing" }),
    };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Returns the place of the sessions, by what a command in the container reports; by the container's spec if there is none. */
export function sessionPlaceIn(object: Deployment | Pod, container: string, { tmpdir }: Inside = {}): SessionPlace {
  const bySpec = sessionPlace(containersNamed(object, container)[0] ?? {});
  if (tmpdir === undefined) return bySpec;
  const dir = directoryOf(tmpdir);
  if ("dir" in bySpec && bySpec.dir === dir) return bySpec;
  return { dir, because: `TMPDIR in its environment is ${tmpdir === "" ? "not set" : tmpdir}` };
}
