import { shmMountPath } from "../../cleaner/names";
import type { Cluster } from "../../kubernetes/cluster";
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

/** Runs a command in the outpost's own container. Never rejects: many may not exec, and an image may have no shell. */
export async function lookInside(cluster: Cluster, { namespace, name, container }: OutpostPod): Promise<Inside> {
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
