import * as pulumi from "@pulumi/pulumi";
import { managedByLabel } from "../authentik/names";
import { objectLabels } from "../cleaner/names";
import { OutpostShmCleanup } from "../components/outpostShmCleanup";
import { argumentsOf, configNamespace, type OutpostSettings, type Settings } from "../settings/types";

/** An object of Kubernetes as it is applied. A Deployment is only our part of one that is there. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: object; annotations?: Record<string, string> };
  [field: string]: unknown;
}

/** Value of the label that names the tool. An object that no stack manages does not name Pulumi. */
const managedBy = "outpost-shm";

/**
 * Annotations by which Flux and Argo CD apply no more of the Deployment than the file has, and never delete it. Argo CD would
 * refuse a Deployment that is not whole unless it leaves the validation to the API server.
 */
const sharedWithAuthentik = {
  "argocd.argoproj.io/sync-options": "ServerSideApply=true,Validate=false,Prune=false,Delete=false",
  "kustomize.toolkit.fluxcd.io/prune": "disabled",
  "kustomize.toolkit.fluxcd.io/ssa": "Merge",
};

/**
 * Returns what `pulumi up` would apply to the cluster, by running the component itself with stand-ins for the engine and the
 * cluster. Each outpost has a Deployment. One without a part of ours gives back what was applied before.
 * @param stack names the objects of the whole cluster, as a stack's name does
 */
export async function manifests(settings: Settings, stack: string): Promise<Manifest[]> {
  const registered = await registeredBy({ ...settings, outposts: settings.outposts.map(forComponent) }, stack);
  const objects = registered.map(withoutPulumi).filter(({ kind }) => kind !== "Deployment");
  const patches = registered.filter(({ kind }) => kind === "Deployment");
  const deployments = settings.outposts.map((outpost): Manifest => {
    const metadata = { name: outpost.deployment, namespace: settings.namespace, annotations: sharedWithAuthentik };
    const patch = patches.find((each) => each.metadata.name === outpost.deployment);
    const spec = outpost.delivery === "authentik" ? undefined : patch?.spec;
    return { apiVersion: "apps/v1", kind: "Deployment", metadata, ...(spec !== undefined && { spec }) };
  });
  return [...objects, ...deployments];
}

/** The sidecar by authentik's config needs the same objects beside the Deployment, and access that only an update has. */
const forComponent = (outpost: OutpostSettings): OutpostSettings => ({
  ...argumentsOf(outpost),
  ...(outpost.delivery === "authentik" && { delivery: "deployment" }),
});

/** Runs the component and collects the objects that it registers. */
async function registeredBy(settings: Settings, stack: string): Promise<Manifest[]> {
  const registered: Manifest[] = [];
  const newResource = ({ type, name, inputs }: pulumi.runtime.MockResourceArgs) => {
    if (type.startsWith("kubernetes:")) registered.push(inputs as Manifest);
    return { id: name, state: inputs as Record<string, unknown> };
  };
  await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, configNamespace, stack);
  await pulumi.runtime.runInPulumiStack(() => {
    new OutpostShmCleanup("outpost-shm", settings);
    return Promise.resolve({});
  });
  await pulumi.runtime.disconnect();
  return registered;
}

/** Leaves out what only Pulumi reads. */
function withoutPulumi(inputs: Manifest): Manifest {
  const label = (value: string) => `"${managedByLabel}":"${value}"`;
  const text = JSON.stringify(inputs).replaceAll(label(objectLabels[managedByLabel]), label(managedBy));
  const { apiVersion, kind, metadata, ...rest } = JSON.parse(text) as Manifest;
  const { annotations: _, ...kept } = metadata;
  return { apiVersion, kind, metadata: kept, ...rest };
}
