import type { AuthentikClient } from "../../authentik/client";
import { shmMountPath } from "../../cleaner/names";
import type { Deployment } from "../../kubernetes/types";
import { hasVanished } from "../../sidecar/jsonPatch/vanished";
import { eitherWay } from "../advice";
import { carriesSidecar } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Cause, Found, Unchecked } from "./finding";
import type { Snapshot } from "./snapshot";

export const configCheck = "authentik's config";

type Client = Pick<AuthentikClient, "readOutpost" | "lastChangeBy">;

export const noAccess: Unchecked = {
  what: configCheck,
  why: "no access: it takes --stack with authentikUrl, and the token in AUTHENTIK_TOKEN",
};

/** Finds patches that authentik has but does not apply. */
export async function authentikConfigFindings(snapshot: Snapshot, authentik: Client): Promise<Found[]> {
  const asked = (snapshot.expectation?.outposts ?? []).map(async ({ name, deployment }): Promise<Found[]> => {
    const live = snapshot.outposts.deployments.find((each) => nameOf(each) === deployment);
    const cause = await causeIn(authentik, name, live, snapshot).catch((error: Error) => unfit(error.message));
    return cause ? [{ subject: `Deployment/${deployment}`, ...cause }] : [];
  });
  return (await Promise.all(asked)).flat();
}

async function causeIn(authentik: Client, name: string, live: Deployment | undefined, snapshot: Snapshot) {
  const { pk, config } = await authentik.readOutpost(name);
  if (!live) return undefined;
  return hasVanished(config, live) ? vanished(await authentik.lastChangeBy(pk)) : notApplied(config, live, snapshot);
}

function vanished(by: string | undefined): Cause {
  const last = by === undefined ? "" : `; by authentik's event log, ${by} changed the outpost last`;
  return {
    seen: `authentik has put the sidecar there, and the outpost's kubernetes_json_patches have it no more${last}`,
    why: "Programs that write an outpost's config as a whole do that, such as Terraform (authentik_outpost) or a blueprint. A Deployment that authentik creates anew is without the sidecar.",
    todo: `If it was a mistake, deploy again ${eitherWay()}. If such a program keeps the config, see docs/delivery.md, "An outpost whose config another program writes".`,
  };
}

function notApplied(config: Record<string, unknown>, live: Deployment, { outpostShm }: Snapshot): Cause | undefined {
  const patches = JSON.stringify((config.kubernetes_json_patches as Record<string, unknown> | null)?.deployment ?? []);
  const mounts = (live.spec?.template.spec?.containers ?? []).some(({ volumeMounts }) =>
    volumeMounts?.some(({ mountPath }) => mountPath === shmMountPath),
  );
  if (!patches.includes(shmMountPath) || (mounts && carriesSidecar(live))) return undefined;
  return {
    seen: `the outpost's kubernetes_json_patches have ${shmMountPath}, and the Deployment has ${mounts ? "no sidecar" : "no volume there"}`,
    why: "authentik has the patch and has not applied it.",
    todo: `Save the outpost in the Admin UI (Applications › Outposts › Edit › Update), and see authentik's log if that changes nothing: ${outpostShm("doctor")}`,
  };
}

const unfit = (message: string): Cause => ({
  seen: message,
  why: "authentik deploys, and patches, only proxy outposts that have a Kubernetes integration.",
  todo: "Choose a Kubernetes integration (Applications › Outposts › Edit), or set `delivery` to deployment. Take an embedded outpost off `outposts`: it needs none of this.",
});
