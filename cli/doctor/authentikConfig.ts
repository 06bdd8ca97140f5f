import { isAuthentikError, type AuthentikClient } from "../../authentik/client";
import { shmMountPath } from "../../cleaner/names";
import type { Deployment } from "../../kubernetes/types";
import { hasVanished } from "../../podPatch/jsonPatch/vanished";
import { eitherWay } from "../advice";
import { carriesSidecar } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Cause, Found, Unchecked } from "./finding";
import type { Snapshot } from "./snapshot";

export const configCheck = "authentik's config";

type Client = Pick<AuthentikClient, "readOutpost" | "findOutpost" | "lastChangeBy">;

export const noAccess: Unchecked = {
  what: configCheck,
  why: "no access: it takes --stack with authentikUrl, and the token in AUTHENTIK_TOKEN",
};

/**
 * Finds patches that authentik has but does not apply, and outposts to which it can't deliver. If authentik does not answer, or
 * refuses the token, that is no fault of an outpost: it is reported once, as unchecked.
 */
export async function authentikConfigFindings(
  snapshot: Snapshot,
  authentik: Client,
): Promise<{ found: Found[]; unchecked: Unchecked[] }> {
  const failures: string[] = [];
  const asked = (snapshot.expectation?.outposts ?? []).map(async ({ name, deployment }): Promise<Found[]> => {
    const live = snapshot.outposts.deployments.find((each) => nameOf(each) === deployment);
    const cause = await causeIn(authentik, name, live, snapshot).catch(
      (error: Error) => void failures.push(error.message),
    );
    return cause ? [{ subject: `Deployment/${deployment}`, ...cause }] : [];
  });
  const found = (await Promise.all(asked)).flat();
  return { found, unchecked: failures.slice(0, 1).map((why) => ({ what: configCheck, why })) };
}

/** @throws if authentik's API fails */
async function causeIn(
  authentik: Client,
  name: string,
  live: Deployment | undefined,
  snapshot: Snapshot,
): Promise<Cause | undefined> {
  const isDelivered = snapshot.deliveredByAuthentik?.includes(name) ?? false;
  const asked = isDelivered ? authentik.readOutpost(name) : authentik.findOutpost({ name });
  const outpost = await asked.catch((error: Error) => {
    if (isAuthentikError(error) && (error.unknownOutpost || error.unfitOutpost)) return error;
    throw error;
  });
  if (outpost instanceof Error) return isDelivered ? unfit(outpost.message) : undefined;
  if (!live) return undefined;
  const { pk, config } = outpost;
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
