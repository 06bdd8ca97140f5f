import { posix } from "node:path";
import type { V1Container, V1EnvVarSource } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sessionDirectory } from "./names";
import { releasesOf } from "./releases";

/** The directory of an outpost's sessions and how it is known; or why it is not known. */
export type SessionPlace = { dir: string; because: string } | { unknown: string };

/** The directory for temporary files if TMPDIR is not set, or empty. */
const withoutTmpdir = "/tmp";

/** Returns the directory of the sessions, by the TMPDIR of the outpost's environment. */
export const directoryOf = (tmpdir: string): string =>
  tmpdir === "" ? withoutTmpdir : posix.normalize(tmpdir).replace(/(.)\/$/, "$1");

/** Returns the place of an outpost's sessions, by the spec of its container. */
export function sessionPlace({ image = "", env = [], envFrom = [] }: Partial<V1Container>): SessionPlace {
  // The last of several holds.
  const tmpdir = env.filter(({ name }) => name === "TMPDIR").at(-1);
  if (tmpdir?.valueFrom) return { unknown: `its TMPDIR comes from ${sourceOf(tmpdir.valueFrom)}` };
  if (tmpdir?.value?.includes("$(")) return { unknown: `its TMPDIR is ${tmpdir.value}` };
  if (tmpdir) return { dir: directoryOf(tmpdir.value ?? ""), because: "its env sets TMPDIR" };
  const releases = releasesOf(image);
  if (!releases) return { dir: sessionDirectory, because: "images from 2025.4.1 on set TMPDIR" };
  if (releases.tmpdir) return { dir: sessionDirectory, because: "its image sets TMPDIR" };
  if (envFrom.length > 0) return { unknown: `${image} sets no TMPDIR, and its envFrom may` };
  return { dir: withoutTmpdir, because: `${image}, from before 2025.4.1, sets no TMPDIR` };
}

function sourceOf({ configMapKeyRef, secretKeyRef }: V1EnvVarSource): string {
  if (configMapKeyRef) return `ConfigMap ${configMapKeyRef.name}`;
  return secretKeyRef ? `Secret ${secretKeyRef.name}` : "a field of the pod";
}

/** Reports sessions that are elsewhere than in /dev/shm. Undefined if they are there, or if the place is not known. */
export function sessionsElsewhere(container: string, place: SessionPlace): { seen: string; todo: string } | undefined {
  if ("unknown" in place || place.dir === sessionDirectory) return undefined;
  const { dir, because } = place;
  return {
    seen: `container ${container} keeps its sessions in ${dir}, not in ${sessionDirectory}: ${because}`,
    todo:
      `Set TMPDIR to ${sessionDirectory} in its env (kubernetes_json_patches of the outpost, or its manifest)` +
      `${dir === withoutTmpdir ? ", or upgrade authentik: from 2025.4.1 on the image sets it" : ""}.`,
  };
}
