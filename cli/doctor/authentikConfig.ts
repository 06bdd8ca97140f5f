import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { AuthentikClient } from "../../authentik/client";
import { shmMountPath } from "../../cleaner/names";
import { hasVanished } from "../../sidecar/jsonPatch/vanished";
import { carriesSidecar } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Finding, Unchecked } from "./finding";
import type { Snapshot } from "./snapshot";

export const configCheck = "authentik's config";
const check = configCheck;

/** Finds patches that authentik has but does not apply. */
export async function authentikConfigFindings(
  snapshot: Snapshot,
  authentik: Pick<AuthentikClient, "readOutpost" | "lastChangeBy"> | undefined,
): Promise<{ findings: Finding[]; unchecked: Unchecked[] }> {
  if (!authentik) {
    const why = "no access: it takes --stack with authentikUrl, and the token in AUTHENTIK_TOKEN";
    return { findings: [], unchecked: [{ what: check, why }] };
  }
  const asked = (snapshot.expectation?.outposts ?? []).map(async ({ name, deployment }): Promise<Finding[]> => {
    const live = snapshot.outposts.deployments.find((each) => nameOf(each) === deployment);
    try {
      const { pk, config } = await authentik.readOutpost(name);
      if (!live) return [];
      if (hasVanished(config, live)) return [vanished(live, await authentik.lastChangeBy(pk))];
      return notApplied(config, live, snapshot);
    } catch (error) {
      return [unfit(deployment, (error as Error).message)];
    }
  });
  return { findings: (await Promise.all(asked)).flat(), unchecked: [] };
}

function vanished(live: V1Deployment, by: string | undefined): Finding {
  const last = by === undefined ? "" : `; by authentik's event log, ${by} changed the outpost last`;
  return {
    check,
    subject: `Deployment/${nameOf(live)}`,
    seen: `authentik has put the sidecar there, and the outpost's kubernetes_json_patches have it no more${last}`,
    why: "Programs that write an outpost's config as a whole do that, such as Terraform (authentik_outpost) or a blueprint. A Deployment that authentik creates anew is without the sidecar.",
    todo: 'If it was a mistake, run `pulumi up`. If such a program keeps the config, see docs/delivery.md, "An outpost whose config another program writes".',
  };
}

function notApplied(config: Record<string, unknown>, live: V1Deployment, { outpostShm }: Snapshot): Finding[] {
  const patches = JSON.stringify((config.kubernetes_json_patches as Record<string, unknown> | null)?.deployment ?? []);
  const mounts = (live.spec?.template.spec?.containers ?? []).some(({ volumeMounts }) =>
    volumeMounts?.some(({ mountPath }) => mountPath === shmMountPath),
  );
  if (!patches.includes(shmMountPath) || (mounts && carriesSidecar(live))) return [];
  return [
    {
      check,
      subject: `Deployment/${nameOf(live)}`,
      seen: `the outpost's kubernetes_json_patches have ${shmMountPath}, and the Deployment has ${mounts ? "no sidecar" : "no volume there"}`,
      why: "authentik has the patch and has not applied it.",
      todo: `Save the outpost in the Admin UI (Applications › Outposts › Edit › Update), and see authentik's log if that changes nothing: ${outpostShm("doctor")}`,
    },
  ];
}

const unfit = (deployment: string, message: string): Finding => ({
  check,
  subject: `Deployment/${deployment}`,
  seen: message,
  why: "authentik deploys, and patches, only proxy outposts that have a Kubernetes integration.",
  todo: "Choose a Kubernetes integration (Applications › Outposts › Edit), or set `delivery` to deployment. Take an embedded outpost off `outposts`: it needs none of this.",
});
