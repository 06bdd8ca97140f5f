// An outpost's JSON patch of its Deployment in authentik, and what authentik makes of it.
import type { AuthentikStandIn } from "../authentik";

/** The patch of older guides, as operators paste it. */
export function pastedPatch(sizeLimit = "256Mi") {
  const podSpec = "/spec/template/spec";
  const mount = { name: "dshm", mountPath: "/dev/shm" };
  const sidecar = { name: "shm-cleanup", image: "busybox:1.36", command: ["sleep", "1d"], volumeMounts: [mount] };
  return [
    { op: "add", path: `${podSpec}/volumes`, value: [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit } }] },
    { op: "add", path: `${podSpec}/containers/0/volumeMounts`, value: [mount] },
    { op: "add", path: `${podSpec}/containers/-`, value: sidecar },
  ];
}

/** Replaces the operations on the outpost's Deployment, as someone in the Admin UI does. */
export const editOperations = (
  authentik: AuthentikStandIn,
  outpost: string,
  change: (operations: object[]) => object[] | null,
): Promise<void> =>
  authentik.edit(outpost, (config) => {
    const deployment = change(config.kubernetes_json_patches?.deployment ?? []);
    return { ...config, kubernetes_json_patches: deployment && ({ deployment } as never) };
  });

/** Operations that change an immutable field, for which authentik deletes the Deployment and creates it again. */
export const otherSelector = (label: string) => [
  { op: "add", path: `/spec/selector/matchLabels/${label}`, value: "yes" },
  { op: "add", path: `/spec/template/metadata/labels/${label}`, value: "yes" },
];

/** Counts authentik's writes to Deployments in three reconciles. */
export async function writesAtRest(authentik: AuthentikStandIn): Promise<number> {
  const total = () => authentik.writes.created + authentik.writes.patched + authentik.writes.recreated;
  const before = total();
  for (let look = 0; look < 3; look++) await authentik.reconcile();
  return total() - before;
}
