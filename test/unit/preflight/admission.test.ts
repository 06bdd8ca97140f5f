import assert from "node:assert/strict";
import { podLabelsOf } from "../../../authentik/names";
import type { DryRun, PodDryRun } from "../../../kubernetes/cluster";
import type { Deployment, PodSpec, PodTemplate, PodTemplatePatch } from "../../../kubernetes/types";
import { podFragment } from "../../../podPatch/podFragment";
import { fragmentRevision } from "../../../podPatch/revision";
import { outpostSettings } from "../outposts";
import { clusterWith, inspect, liveDeployment, ours } from "./scene";

const name = "ak-outpost-my-outpost";
const settings = outpostSettings({ delivery: "admission" });
const fragment = podFragment(settings);
const label = "authentik-outpost-shm/revision";
const asking = { metadata: { labels: { [label]: fragmentRevision(fragment) } } };
const podSelectors = [{ deployment: name, selector: { matchLabels: { app: "proxy" } } }];

function deployment(labels: Record<string, string> = {}): Deployment {
  const live = liveDeployment(name);
  live.spec!.selector = { matchLabels: { app: "proxy" } };
  live.spec!.template.metadata = { labels: { app: "proxy", ...labels } };
  return live;
}

interface World {
  live?: Deployment;
  /** The answer to the creation of a pod; by default one that is as the template. */
  pod?: (template: PodTemplate) => PodDryRun;
  mayCreatePods?: boolean;
  apply?: DryRun;
}

/** Makes a cluster that applies what it is asked to. It records the questions. */
async function look({ live = deployment(), pod, mayCreatePods = true, apply }: World) {
  const asked: unknown[] = [];
  const applied = (template: PodTemplatePatch = {}): Deployment => {
    const result = structuredClone(live);
    Object.assign(result.spec!.template.metadata!.labels!, template.metadata?.labels);
    Object.assign(result.spec!.template.spec!, template.spec);
    return result;
  };
  const cluster = clusterWith([live], {
    selfMay: (wish) => {
      asked.push(wish);
      return Promise.resolve({ allowed: mayCreatePods });
    },
    dryRunApply: (_namespace, _name, manager, template) => {
      asked.push({ manager, template });
      return Promise.resolve(apply ?? { outcome: "applied", deployment: applied(template) });
    },
    dryRunMerge: new Error("merged"),
    dryRunPod: (_namespace, template) => {
      asked.push({ pod: template });
      return Promise.resolve(pod?.(template) ?? { outcome: "created", pod: { spec: template.spec } });
    },
  });
  const found = await inspect(cluster, [settings]);
  return { ...found, asked };
}

const restart =
  `Deployment ${name}: this change restarts its pod (rolling update). ` +
  "The sessions in a restarted pod end: their users log in again.";
const inForce = deployment(asking.metadata.labels);
const swept = { ...inForce.spec!.template.spec, ...fragment } as PodSpec;

/** Answers with pods that are changed like this. */
const changed =
  (change: (spec: PodSpec) => void): World["pod"] =>
  ({ spec }) => {
    const result = structuredClone(spec!);
    change(result);
    return { outcome: "created", pod: { spec: result } };
  };
/** Answers with pods of a policy that is in force. */
const admitted: World["pod"] = () => ({ outcome: "created", pod: { spec: swept } });

describe("inspection for delivery admission", () => {
  it("names the pods that restart, and asks the API server for one with the sidecar", async () => {
    const { asked, ...found } = await look({});
    assert.deepEqual(found, { problems: [], warnings: [restart], restarts: [name], podSelectors });
    const { metadata } = inForce.spec!.template;
    assert.deepEqual(asked, [
      { manager: ours, template: asking },
      { namespace: "authentik", resource: "pods", verb: "create" },
      { manager: ours, template: { ...asking, spec: fragment } },
      { pod: inForce.spec!.template },
      { pod: { metadata, spec: swept } },
    ]);
  });

  it("knows pods by the Deployment's whole selector", async () => {
    const live = deployment();
    const selector = { matchLabels: { app: "proxy" }, matchExpressions: [{ key: "canary", operator: "DoesNotExist" }] };
    live.spec!.selector = selector;
    assert.deepEqual((await look({ live })).podSelectors, [{ deployment: name, selector }]);
  });

  it("knows authentik's pods by the labels that they keep if the Deployment is created anew", async () => {
    const live = deployment();
    const lasting = podLabelsOf("My Outpost");
    live.spec!.selector = { matchLabels: { ...lasting, "goauthentik.io/outpost-uuid": "1", extra: "yes" } };
    assert.deepEqual((await look({ live })).podSelectors, [{ deployment: name, selector: { matchLabels: lasting } }]);
  });

  it("stops if such a pod is refused, with the API server's words", async () => {
    const reason = 'pods "x" is forbidden: exceeded quota: pods';
    assert.deepEqual((await look({ pod: () => ({ outcome: "refused", reason }) })).problems, [
      `outpost "My Outpost": the API server would not take a pod with the sidecar: ${reason}. ` +
        "Change what refuses it, or the setting that it refuses.",
    ]);
  });

  it("goes on if it is refused and no pod is to be replaced", async () => {
    const { problems, warnings } = await look({ live: inForce, pod: () => ({ outcome: "refused", reason: "quota" }) });
    assert.deepEqual({ problems, warnings }, { problems: [], warnings: [] });
  });

  it("stops if others change what the sidecar needs, and names the fields", async () => {
    const pod = changed(({ volumes, initContainers = [], containers }) => {
      const volume = volumes?.find(({ name }) => name === "dshm");
      if (!volume) return;
      volume.emptyDir = { medium: "Memory", sizeLimit: "64Mi" };
      initContainers[0].command = ["/bin/sh", "-c", "true", "shm-cleanup"];
      delete initContainers[0].restartPolicy;
      initContainers[0].env = initContainers[0].env!.filter(({ name }) => name !== "SHM_DIR");
      containers[0].volumeMounts = [{ name: "dshm", mountPath: "/tmp" }];
    });
    for (const live of [deployment(), inForce])
      assert.deepEqual((await look({ live, pod })).problems, [
        `outpost "My Outpost": another admission policy or a webhook changes what the sidecar needs in a new pod of Deployment ${name}: ` +
          "spec.containers[proxy].volumeMounts[dshm].mountPath, spec.initContainers[shm-cleanup].command[2], " +
          "spec.initContainers[shm-cleanup].env[SHM_DIR], spec.initContainers[shm-cleanup].restartPolicy, " +
          "spec.volumes[dshm].emptyDir.sizeLimit. Have it leave these as they are.",
      ]);
  });

  it("lets others add to the pod, mirror the image, and set resources; and quantities have many forms", async () => {
    const pod = changed(({ volumes = [], initContainers = [], containers }) => {
      containers.push({ name: "mesh" });
      volumes.unshift({ name: "token" });
      if (initContainers.length === 0) return;
      initContainers[0].image = "mirror.example.com/busybox:1";
      initContainers[0].resources = {};
      initContainers[0].volumeMounts!.unshift({ name: "token", mountPath: "/token" });
      volumes.find(({ name }) => name === "dshm")!.emptyDir!.sizeLimit = "262144Ki";
    });
    assert.deepEqual((await look({ pod })).problems, []);
  });

  it("stops if others give a pod its own /dev/shm, since it would get no sidecar then", async () => {
    const pod = changed((spec) => {
      if (spec.initContainers) return;
      spec.volumes = [{ name: "dshm", emptyDir: {} }];
      spec.containers[0].volumeMounts = [{ name: "dshm", mountPath: "/dev/shm" }];
    });
    assert.deepEqual((await look({ pod })).problems, [
      `outpost "My Outpost": a new pod of Deployment ${name} has volume dshm and mount /dev/shm of container proxy already, so it would get no sidecar. ` +
        "Take that out of what brings it: the Deployment, another admission policy or a webhook.",
    ]);
  });

  it("says nothing where new pods get it already", async () => {
    const { asked: _, ...found } = await look({ live: inForce, pod: admitted });
    assert.deepEqual(found, { problems: [], warnings: [], podSelectors });
  });

  it("says so where they do not, and that the update puts the policy back", async () => {
    assert.deepEqual((await look({ live: inForce })).warnings, [
      `outpost "My Outpost": a new pod of Deployment ${name} would have no sidecar now, so its admission policy is missing, has been edited, or fails. ` +
        "This update puts the policy back. Pods that have no sidecar get it once they are replaced: outpost-shm status shows them.",
    ]);
  });

  it("goes without a pod where the account may create none", async () => {
    const { warnings, problems } = await look({ mayCreatePods: false });
    assert.deepEqual(problems, []);
    assert.deepEqual(warnings, [
      restart,
      'outpost "My Outpost": whether the API server takes a pod with the sidecar is not known, since your account may not create pods, not even in a dry run.',
    ]);
  });

  it("goes without a preview of restarts where the account may patch none", async () => {
    const { problems } = await look({ apply: { outcome: "forbidden", reason: "no" } });
    assert.deepEqual(problems, []);
  });
});
