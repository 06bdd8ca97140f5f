// The component on Pulumi's mocks: which resources it registers, with which inputs and parents, and how it refuses. Mocks
// answer for the engine, the providers and the cluster. Only test/e2e/cluster proves that a cluster accepts these objects, that
// a field changes hands, and what a preview shows.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { objectLabels } from "../../../cleaner/names";
import { execPolicySpec } from "../../../components/cronjob/execPolicy";
import { bindingSelector, policySpec } from "../../../components/admission/policySpec";
import { cronJobSpec } from "../../../components/cronjob/cronJobSpec";
import { alertRules } from "../../../components/monitoring/alerts";
import { dashboard } from "../../../components/monitoring/dashboard";
import { OutpostShmCleanup, type OutpostShmCleanupArgs } from "../../../components/outpostShmCleanup";
import { resolveArgs } from "../../../components/resolveArgs";
import { execRules } from "../../../kubernetes/execRole";
import type { Preflight } from "../../../preflight/preflight";
import { repositoryRoot } from "../../../sandbox/paths";
import { resolveSettings } from "../../../settings/resolve";
import { argumentsOf, type Settings } from "../../../settings/types";
import { ownPart } from "../../../podPatch/jsonPatch/jsonPatch";
import { podFragment } from "../../../podPatch/podFragment";
import { fragmentRevision } from "../../../podPatch/revision";
import { verifyAfter } from "../../../verification/verifyAfter";

const commandType = "command:local:Command";
const sidecarType = "authentik-outpost-shm:index:SidecarPatch";
const bindingType = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding";

interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

const nothingFound = { restarts: [], underWay: [] };

/** Returns the settings as the preflight hands them on. */
function settingsOf(raw: Record<string, unknown>): Settings {
  const settings = resolveSettings({ namespace: "authentik", outposts: ["one", "two"], ...raw });
  return { ...settings, outposts: settings.outposts.map(argumentsOf) };
}

/** Runs the component as the program has it, with its verification. */
const program = (raw: Record<string, unknown>, found: Partial<Pick<Preflight, "restarts" | "underWay">> = {}) =>
  run(() => {
    const settings = settingsOf(raw);
    const args = { ...settings, takeOver: true, awaitRollout: false };
    const cleanup = new OutpostShmCleanup("outpost-shm", args);
    verifyAfter("outpost-shm", cleanup, settings, { ...nothingFound, ...found });
    return cleanup;
  });

/** Runs the component alone, as anyone's own program has it. */
const alone = (args: OutpostShmCleanupArgs, opts?: pulumi.ComponentResourceOptions) =>
  run(() => new OutpostShmCleanup("outpost-shm", args, opts));

type Register = (
  request: {
    getType(): string;
    getName(): string;
    getDependenciesList(): string[];
    getIgnorechangesList(): string[];
  },
  done: unknown,
) => unknown;

/** Runs a program and collects what it registers. Asserts that nothing fails later than the program itself. */
async function run(main: () => OutpostShmCleanup, project = "authentik-outpost-shm") {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs: inputs as Record<string, unknown> });
        return { id: `${name}-id`, state: inputs as Record<string, unknown> };
      },
      call: () => ({}),
    },
    project,
    "test",
  );
  // The SDK's mocks claim to have resource hooks, but lack the one call for them.
  const monitor = pulumi.runtime.getMonitor() as unknown as Record<string, unknown>;
  const dependencies: Record<string, string[]> = {};
  const ignored: Record<string, string[]> = {};
  const register = (monitor.registerResource as Register).bind(monitor);
  monitor.registerResource = ((request, done) => {
    if ([sidecarType, bindingType].includes(request.getType()))
      dependencies[request.getName()] = request.getDependenciesList();
    ignored[request.getName()] = request.getIgnorechangesList();
    return register(request, done);
  }) satisfies Register;
  monitor.registerResourceHook = (_request: unknown, done: (error: null, response: unknown) => void) => done(null, {});
  const failures = collectRejections();
  const outputs: unknown = await pulumi.runtime.runInPulumiStack(() => {
    const { solutions, patchedDeployments, cronJobs } = main();
    return Promise.resolve({ solutions, patchedDeployments, cronJobs });
  });
  await pulumi.runtime.disconnect();
  // Node reports unhandled rejections once the current turn of its event loop is over.
  await nextTurn();
  assert.deepEqual(failures(), []);
  return { registered, dependencies, ignored, outputs };
}

/** Collects what would fail the program: Pulumi's host listens for unhandled rejections. As there, the same error counts once. */
function collectRejections(): () => string[] {
  const seen = new Set<unknown>();
  const others = process.listeners("unhandledRejection");
  const collect = (reason: unknown) => seen.add(reason);
  process.removeAllListeners("unhandledRejection").on("unhandledRejection", collect);
  return () => {
    process.removeAllListeners("unhandledRejection");
    for (const listener of others) process.on("unhandledRejection", listener);
    return [...seen].map((reason) => (reason as Error).message);
  };
}

/** Asserts that these are all resources besides the stack and the component. */
function assertResources(registered: Registered[], resources: string[]) {
  const named = registered.map(({ type, name }) => `${type} ${name}`);
  assert.deepEqual(named.sort(), [...stackAndComponent, ...resources].sort());
}

const inputsOf = (registered: Registered[], type: string, called?: string): Record<string, unknown> => {
  const found = registered.filter((resource) => resource.type === type && resource.name === (called ?? resource.name));
  assert.equal(found.length, 1, `one ${type} ${called ?? ""}`);
  return found[0].inputs;
};

/** Asserts an object of Kubernetes, besides its version and kind. */
function assertObject(registered: Registered[], apiVersion: string, kind: string, expected: object, called?: string) {
  const type = `kubernetes:${apiVersion === "v1" ? "core/v1" : apiVersion}:${kind}`;
  assert.deepEqual(inputsOf(registered, type, called), { apiVersion, kind, ...expected });
}

/** Annotations by which an object is applied in the stack's name. */
const annotations = {
  "pulumi.com/patchFieldManager": "authentik-outpost-shm-test",
  "pulumi.com/patchForce": "true",
};
const metadataOf = (name: string, labels = {}) => ({
  name,
  namespace: "authentik",
  labels: { ...objectLabels, ...labels },
  annotations,
});
const stackAndComponent = [
  "authentik-outpost-shm:index:OutpostShmCleanup outpost-shm",
  "pulumi:pulumi:Stack authentik-outpost-shm-test",
];
const patchType = "kubernetes:apps/v1:DeploymentPatch";
const configMapType = "kubernetes:core/v1:ConfigMap";
const sidecarsOf = (...deployments: string[]) => [
  `${commandType} outpost-shm-rollout`,
  `${configMapType} outpost-shm-scripts`,
  ...deployments.flatMap((deployment) => [
    `${sidecarType} outpost-shm-${deployment}`,
    `${patchType} outpost-shm-${deployment}`,
    `${configMapType} outpost-shm-${deployment}`,
  ]),
];
const jsonPatchType = "pulumi-nodejs:dynamic/authentik-outpost-shm:OutpostJsonPatch";
const cronJob = [
  "authentik-outpost-shm:index:SweepCronJob outpost-shm-cronjob",
  "kubernetes:batch/v1:CronJob outpost-shm-cronjob",
  "kubernetes:core/v1:ServiceAccount outpost-shm-cronjob",
  "kubernetes:rbac.authorization.k8s.io/v1:Role outpost-shm-cronjob",
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding outpost-shm-cronjob",
];
const execPolicy = [
  "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy outpost-shm-cronjob",
  "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding outpost-shm-cronjob",
];
const heldCronJob = [...cronJob, ...execPolicy];
const podMonitor = "kubernetes:monitoring.coreos.com/v1:PodMonitor outpost-shm-monitoring-pod-monitor";
const monitoring = [
  "authentik-outpost-shm:index:Monitoring outpost-shm-monitoring",
  "kubernetes:monitoring.coreos.com/v1:PrometheusRule outpost-shm-monitoring-alerts",
  `${configMapType} outpost-shm-monitoring-dashboard`,
];

describe("OutpostShmCleanup on mocks", () => {
  const config = pulumi.runtime.allConfig();
  afterEach(() => pulumi.runtime.setAllConfig(config));

  const patched = ["ak-outpost-one", "ak-outpost-two"];
  const bothSidecars = sidecarsOf(...patched);
  const cronJobs = ["authentik-outpost-shm-cleanup"];
  const cases: [raw: Record<string, unknown>, resources: string[], patched: string[], cronJobs: string[]][] = [
    [{ solution: "none" }, [], [], []],
    [{ solution: "sidecar" }, bothSidecars, patched, []],
    [{ solution: "cronjob" }, heldCronJob, [], cronJobs],
    [{ solution: "cronjob", restrictExec: false }, cronJob, [], cronJobs],
    [{ solution: "both" }, [...bothSidecars, ...heldCronJob], patched, cronJobs],
  ];
  for (const [raw, resources, patchedDeployments, cronJobs] of cases) {
    it(`registers exactly the resources of ${JSON.stringify(raw)}, and says so in its outputs`, async () => {
      const { registered, outputs } = await program(raw);
      assertResources(registered, resources);
      const solutions = { one: raw.solution, two: raw.solution };
      assert.deepEqual(outputs, { solutions, patchedDeployments, cronJobs });
    });
  }

  it("gives each outpost its own solution; the CronJob sweeps only those that ask for it", async () => {
    const { registered, outputs } = await program({ outposts: ["one", { name: "two", solution: "cronjob" }] });
    assertResources(registered, [...sidecarsOf("ak-outpost-one"), ...heldCronJob]);
    assert.deepEqual((outputs as { solutions: unknown }).solutions, { one: "sidecar", two: "cronjob" });
    const spec = JSON.stringify(inputsOf(registered, "kubernetes:batch/v1:CronJob").spec);
    assert.match(spec, /"name":"OUTPOSTS","value":"ak-outpost-two proxy SWEEP_INTERVAL_SECONDS=300 [^"]*"/);
    assert.doesNotMatch(spec, /"value":"one /);
  });

  it("patches with the fragment, under a field manager that names the stack", async () => {
    const { registered } = await program({ outposts: ["one"] });
    assert.deepEqual(inputsOf(registered, patchType), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: "ak-outpost-one",
        namespace: "authentik",
        annotations: { ...annotations, "pulumi.com/skipAwait": "true" },
      },
      spec: { template: { spec: podFragment(settingsOf({ outposts: ["one"] }).outposts[0]) } },
    });
  });

  it("has another field manager for a stack of the same name in another project", async () => {
    const outposts = [{ name: "one" }];
    const { registered } = await run(
      () => new OutpostShmCleanup("outpost-shm", { namespace: "authentik", outposts }),
      "platform",
    );
    const { metadata } = inputsOf(registered, patchType) as { metadata: { annotations: Record<string, string> } };
    assert.equal(metadata.annotations["pulumi.com/patchFieldManager"], "authentik-outpost-shm-platform/test");
  });

  it("hands the sweep's settings over in a ConfigMap", async () => {
    const { registered } = await program({ outposts: [{ name: "one", sweepInterval: "90s", lowWatermark: 50 }] });
    const settings =
      "SWEEP_INTERVAL_SECONDS=90\nANONYMOUS_MAX_AGE_SECONDS=86400\nAUTHENTICATED_MAX_AGE_SECONDS=86400\n" +
      "HIGH_WATERMARK_PERCENT=80\nLOW_WATERMARK_PERCENT=50\n";
    const expected = { metadata: metadataOf("ak-outpost-one-shm-cleanup"), data: { settings } };
    assertObject(registered, "v1", "ConfigMap", expected, "outpost-shm-ak-outpost-one");
  });

  it("hands the scripts over in one ConfigMap for all sidecars, before the first of them", async () => {
    const { registered, dependencies } = await program({});
    const read = (name: string) => readFileSync(join(repositoryRoot, "cleaner", name), "utf8");
    const files = ["judge.awk", "sidecar.sh", "sweep.sh"].map((name): [string, string] => [name, read(name)]);
    const sum = createHash("sha256").update(files.map(([, text]) => text).join(""));
    const expected = {
      metadata: metadataOf("authentik-outpost-shm-scripts"),
      data: { ...Object.fromEntries(files), sha256: `${sum.digest("hex")}\n` },
    };
    assertObject(registered, "v1", "ConfigMap", expected, "outpost-shm-scripts");
    const component = "urn:pulumi:test::authentik-outpost-shm::authentik-outpost-shm:index:OutpostShmCleanup";
    const first = [`${component}$${configMapType}::outpost-shm-scripts`];
    assert.deepEqual(dependencies, { "outpost-shm-ak-outpost-one": first, "outpost-shm-ak-outpost-two": first });
  });

  it("runs the CronJob as its own account, bound to its own role", async () => {
    const { registered } = await program({ solution: "cronjob" });
    const rbac = "rbac.authorization.k8s.io";
    const metadata = metadataOf("authentik-outpost-shm-cleanup");
    const { name, namespace } = metadata;
    assertObject(registered, "v1", "ServiceAccount", { metadata });
    const rules = execRules(["ak-outpost-one", "ak-outpost-two"]);
    assertObject(registered, `${rbac}/v1`, "Role", { metadata, rules });
    assertObject(registered, `${rbac}/v1`, "RoleBinding", {
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    });
    const settings = { ...settingsOf({}), serviceAccountName: name };
    const spec = cronJobSpec(settings);
    assertObject(registered, "batch/v1", "CronJob", { metadata, spec });
  });

  it("holds the account by a policy and its binding, named after the namespace since both are of the whole cluster", async () => {
    const { registered, dependencies } = await program({ solution: "cronjob" });
    const apiVersion = "admissionregistration.k8s.io/v1";
    const metadata = { name: "authentik-outpost-shm-cleanup-authentik", labels: objectLabels, annotations };
    const settings = { ...settingsOf({}), serviceAccountName: "authentik-outpost-shm-cleanup" };
    const spec = execPolicySpec(settings);
    assertObject(registered, apiVersion, "ValidatingAdmissionPolicy", { metadata, spec });
    assertObject(registered, apiVersion, "ValidatingAdmissionPolicyBinding", {
      metadata,
      spec: { policyName: metadata.name, validationActions: ["Deny"] },
    });
    // They are there before it has its rights.
    const kinds = dependencies["outpost-shm-cronjob"].map((urn) => urn.split("::")[2].split(":").at(-1));
    assert.deepEqual(kinds.sort(), [
      "Role",
      "ServiceAccount",
      "ValidatingAdmissionPolicy",
      "ValidatingAdmissionPolicyBinding",
    ]);
  });

  const oneSidecar = sidecarsOf("ak-outpost-one");
  const monitored: [raw: Record<string, unknown>, resources: string[]][] = [
    [{}, [...oneSidecar, ...monitoring, podMonitor]],
    [{ podMonitor: false }, [...oneSidecar, ...monitoring]],
    [{ alerts: false }, [...oneSidecar, monitoring[0], monitoring[2], podMonitor]],
    [{ dashboard: false }, [...oneSidecar, ...monitoring.slice(0, 2), podMonitor]],
    [{ podMonitor: false, alerts: false, dashboard: false }, oneSidecar],
    [{ solution: "cronjob" }, [...heldCronJob, ...monitoring]],
    [{ solution: "cronjob", alerts: false, dashboard: false }, heldCronJob],
  ];
  for (const [raw, resources] of monitored) {
    it(`registers exactly what monitoring with ${JSON.stringify(raw)} asks for`, async () => {
      const { registered } = await program({ outposts: ["one"], monitoring: true, ...raw });
      assertResources(registered, resources);
    });
  }

  it("hands Prometheus and Grafana their objects, with the labels they are selected by", async () => {
    const raw = { outposts: ["one"], solution: "both", monitoring: true, monitoringLabels: "release=prom,team=auth" };
    const settings = settingsOf(raw);
    const { registered } = await program(raw);
    const labels = { release: "prom", team: "auth" };
    const metadata = metadataOf("authentik-outpost-shm", labels);
    const apiVersion = "monitoring.coreos.com/v1";
    assertObject(registered, apiVersion, "PodMonitor", {
      metadata,
      spec: {
        selector: {
          matchExpressions: [{ key: "app.kubernetes.io/name", operator: "NotIn", values: ["authentik-outpost-shm"] }],
        },
        podTargetLabels: ["goauthentik.io/outpost-name"],
        podMetricsEndpoints: [{ port: "shm-metrics", path: "/metrics.txt" }],
      },
    });
    const rules = alertRules({
      namespace: "authentik",
      sidecars: settings.outposts,
      cronJob: "authentik-outpost-shm-cleanup",
      settings,
    });
    assertObject(registered, apiVersion, "PrometheusRule", {
      metadata,
      spec: { groups: [{ name: "authentik-outpost-shm", rules }] },
    });
    const board = {
      metadata: metadataOf("authentik-outpost-shm-dashboard", { ...labels, grafana_dashboard: "1" }),
      data: { "authentik-outpost-shm.json": `${JSON.stringify(dashboard("authentik", settings), null, 2)}\n` },
    };
    assertObject(registered, "v1", "ConfigMap", board, "outpost-shm-monitoring-dashboard");
  });

  describe("with delivery authentik", () => {
    const authentikUrl = "https://auth.example.com";
    const raw = { outposts: ["one"], delivery: "authentik", authentikUrl };
    const tokenKey = "authentik-outpost-shm:authentikToken";
    beforeEach(() => pulumi.runtime.setAllConfig({ [tokenKey]: "t0ken" }, [tokenKey]));

    it("refuses a token in plain text", async () => {
      pulumi.runtime.setAllConfig({ [tokenKey]: "t0ken" });
      await assert.rejects(alone({ namespace: "authentik", ...raw, outposts: [{ name: "one" }] }), {
        message: /^1 problem in the settings:\n {2}authentikToken: stored in plain text; revoke it in authentik, /,
      });
    });

    it("hands our operations to the outpost's JSON patch, the token to no resource", async () => {
      const { registered, outputs } = await alone({ namespace: "authentik", ...raw, outposts: [{ name: "one" }] });
      const unpatched = oneSidecar.filter((it) => !/DeploymentPatch|rollout/.test(it));
      assertResources(registered, [...unpatched, `${jsonPatchType} outpost-shm-ak-outpost-one`]);
      const { __provider: provider, ...inputs } = inputsOf(registered, jsonPatchType);
      assert.equal(typeof provider, "string");
      assert.deepEqual(inputs, {
        authentikUrl,
        outpost: "one",
        namespace: "authentik",
        deployment: "ak-outpost-one",
        fieldManager: "authentik-outpost-shm-test",
        operations: ownPart(podFragment(settingsOf({}).outposts[0])),
      });
      assert.ok(!JSON.stringify(registered).includes("t0ken"));
      assert.deepEqual((outputs as { patchedDeployments: unknown }).patchedDeployments, ["ak-outpost-one"]);
    });

    it("refuses an explicit provider, which that delivery can't follow", async () => {
      const explicit = () => {
        const provider = new kubernetes.Provider("elsewhere", {});
        const args = { namespace: "authentik", ...raw, outposts: [{ name: "one" }] };
        return new OutpostShmCleanup("outpost-shm", args, { provider });
      };
      await assert.rejects(run(explicit), {
        message:
          'delivery authentik (outposts "one") works on the cluster of the stack\'s kubernetes:* config alone; ' +
          "with an explicit Kubernetes provider choose delivery deployment or admission",
      });
    });
  });

  describe("with delivery admission", () => {
    const policyType = "kubernetes:admissionregistration.k8s.io/v1:MutatingAdmissionPolicy";
    const bindingType = `${policyType}Binding`;
    const admission = [
      "authentik-outpost-shm:index:PodAdmission outpost-shm-admission",
      `${policyType} outpost-shm-admission`,
      `${bindingType} outpost-shm-admission-rollout`,
      `${bindingType} outpost-shm-admission-recreated`,
      `${commandType} outpost-shm-admission-in-force`,
      `${commandType} outpost-shm-admission-ended`,
    ];
    const raw = { outposts: [{ name: "one", delivery: "admission" }, "two"] };
    const name = (prefix: string) => `${prefix}.test.authentik`;

    it("has one policy and its two bindings, whatever the number of outposts", async () => {
      const { registered, outputs } = await program({ delivery: "admission" });
      assertResources(registered, [...admission, ...bothSidecars]);
      assert.deepEqual((outputs as { patchedDeployments: unknown }).patchedDeployments, patched);
    });

    it("leaves the Deployment alone but for the label that asks for a rollout, and others have theirs as before", async () => {
      const { registered } = await program(raw);
      const fragments = settingsOf(raw).outposts.map(podFragment);
      const specOf = (deployment: string) => inputsOf(registered, patchType, `outpost-shm-${deployment}`).spec;
      const labels = { "authentik-outpost-shm/revision": fragmentRevision(fragments[0]) };
      assert.deepEqual(specOf("ak-outpost-one"), { template: { metadata: { labels } } });
      assert.deepEqual(specOf("ak-outpost-two"), { template: { spec: fragments[1] } });
    });

    it("has a policy for these outposts, and says what it is and whose", async () => {
      const { registered } = await program(raw);
      const description =
        "Gives the sidecar to authentik's outposts as their pods are created. Made by Pulumi stack test (authentik-outpost-shm); edits are reverted.";
      const metadata = {
        labels: objectLabels,
        annotations: { ...annotations, "kubernetes.io/description": description },
      };
      const { metadata: ofPolicy, spec } = inputsOf(registered, policyType);
      assert.deepEqual(ofPolicy, { ...metadata, name: name("authentik-outpost-shm") });
      const matchLabels = {
        "app.kubernetes.io/name": "authentik-outpost-proxy",
        "app.kubernetes.io/managed-by": "goauthentik.io",
        "goauthentik.io/outpost-name": "one",
        "goauthentik.io/outpost-type": "proxy",
      };
      const fragment = podFragment(settingsOf(raw).outposts[0]);
      assert.deepEqual(
        spec,
        policySpec("authentik", [{ deployment: "ak-outpost-one", podSelector: { matchLabels }, fragment }]),
      );
      for (const which of ["rollout", "recreated"]) {
        const binding = inputsOf(registered, bindingType, `outpost-shm-admission-${which}`);
        assert.deepEqual(binding.metadata, { ...metadata, name: name(`authentik-outpost-shm-${which}`) });
        assert.deepEqual(binding.spec, {
          policyName: name("authentik-outpost-shm"),
          matchResources: bindingSelector(which === "rollout"),
        });
      }
    });

    it("selects pods by the selector it is given", async () => {
      const { registered } = await alone({
        namespace: "authentik",
        delivery: "admission",
        outposts: [{ name: "forward-auth", deployment: "by-hand" }],
        podSelectors: { "by-hand": { matchLabels: { app: "outpost" } } },
      });
      const { spec } = inputsOf(registered, policyType);
      assert.deepEqual((spec as ReturnType<typeof policySpec>).matchConstraints.objectSelector, {
        matchLabels: { app: "outpost" },
      });
    });

    it("waits for the policy before the rollout that brings the sidecar, and for its end before the one that takes it", async () => {
      const { registered } = await program(raw);
      const command = (which: string) => inputsOf(registered, commandType, `outpost-shm-admission-${which}`);
      const { triggers, ...inForce } = command("in-force");
      const pause = "setTimeout(() => {}, 3000)";
      assert.deepEqual(inForce, { interpreter: ["node", "-e"], create: pause });
      assert.equal((triggers as string[]).length, 1);
      assert.deepEqual(command("ended"), { interpreter: ["node", "-e"], delete: pause });
    });
  });

  /** Returns what the only command is told by its input, and its triggers. */
  const verification = (registered: Registered[]) => {
    const { stdin, triggers, ...rest } = inputsOf(registered, commandType);
    const command = { interpreter: ["node", "cli/outpost-shm.mjs"], create: "verify-update", environment: {} };
    assert.deepEqual(rest, command);
    type Input = { expectation: { outposts: { name: string }[] } };
    return { input: JSON.parse(stdin as string) as Input, triggers: triggers as string[] };
  };

  it("awaits the rollout by a command, told by its input of whom", async () => {
    const raw = { solution: "both", verifyTimeout: "90s", outposts: ["one", { name: "two", solution: "cronjob" }] };
    const { input, triggers } = verification((await program(raw)).registered);
    const deployment = "ak-outpost-one";
    const one = { name: "one", deployment, container: "proxy", solution: "sidecar", sweepIntervalSeconds: 0 };
    const expectation = { namespace: "authentik", rolloutOnly: true, outposts: [one] };
    assert.deepEqual(input, { expectation, wait: 90, run: false });
    assert.match(triggers[0], /^\d{4}-\d\d-\d\dT/);
  });

  it("runs that command only when there is a rollout to await, whatever else has changed, such as the cluster's address", async () => {
    const command = "outpost-shm-rollout";
    assert.deepEqual((await program({})).ignored[command], ["triggers", "stdin", "environment"]);
    assert.deepEqual((await program({}, { restarts: ["ak-outpost-one"] })).ignored[command], []);
  });

  it("awaits no outpost but those whose pods restart or are being rolled out", async () => {
    const { registered } = await program(
      { outposts: ["one", "two", "three"] },
      { restarts: ["ak-outpost-one"], underWay: ["ak-outpost-two"] },
    );
    const names = verification(registered).input.expectation.outposts.map(({ name }) => name);
    assert.deepEqual(names, ["one", "two"]);
  });

  describe("with verify", () => {
    const verified = async (raw: Record<string, unknown>) => {
      const { registered } = await program({ verify: true, ...raw });
      return registered.filter(({ name }) => name !== "outpost-shm-rollout");
    };
    const triggersOf = async (raw: Record<string, unknown>) =>
      inputsOf(await verified(raw), commandType).triggers as string[];

    it("starts no run where there is no CronJob", async () => {
      const { input } = verification(await verified({ outposts: ["one"] }));
      assert.equal((input as unknown as { run: boolean }).run, false);
    });

    it("runs the check as a command, told by its input what to expect", async () => {
      const raw = { solution: "both", verifyTimeout: "90s", outposts: ["one"] };
      const { input, triggers } = verification(await verified(raw));
      const one = {
        name: "one",
        deployment: "ak-outpost-one",
        container: "proxy",
        solution: "both",
        shmSize: "256Mi",
        sweepIntervalSeconds: 300,
      };
      const expectation = { namespace: "authentik", schedule: "0 * * * *", outposts: [one] };
      assert.deepEqual(input, { expectation, wait: 90, run: true });
      assert.equal(triggers.length, 2);
      for (const trigger of triggers) assert.match(trigger, /^[0-9a-f]{16}$/);
    });

    it("runs nothing where nothing is deployed", async () => {
      const types = (await verified({ solution: "none" })).map(({ type }) => type);
      assert.ok(!types.includes(commandType), String(types));
    });

    it("runs it again when anything that was deployed changes, and only then", async () => {
      const before = await triggersOf({ solution: "both" });
      assert.equal(before.length, 3); // two Deployments, one CronJob
      assert.deepEqual(await triggersOf({ solution: "both" }), before);
      const changes: [Record<string, unknown>, number[]][] = [
        [{ shmSize: "512Mi" }, [0, 1]],
        [{ cleanerImage: "docker.io/library/busybox:1.36" }, [0, 1]],
        [{ anonymousMaxAge: "30m" }, [0, 1, 2]],
        [{ kubectlImage: "docker.io/alpine/kubectl:1.33.0" }, [2]],
        [{ schedule: "30 * * * *" }, [2]],
        [{ usageCritical: 90 }, [2]],
        [{ imagePullSecrets: "registry" }, [2]],
      ];
      for (const [change, expected] of changes) {
        const after = await triggersOf({ solution: "both", ...change });
        const changed = after.flatMap((trigger, index) => (trigger === before[index] ? [] : [index]));
        assert.deepEqual(changed, expected, JSON.stringify(change));
      }
    });

    it("hands the cluster over in the environment: a kubeconfig's path as it is, its text as a secret", async () => {
      for (const kubeconfig of ["/home/me/config", '{"kind":"Config"}']) {
        pulumi.runtime.setAllConfig({
          "kubernetes:kubeconfig": kubeconfig,
          "kubernetes:context": "prod",
          "kubernetes:cluster": "east",
        });
        const { environment } = inputsOf(await verified({}), commandType);
        const given = {
          OUTPOST_SHM_KUBECONFIG: kubeconfig,
          OUTPOST_SHM_CONTEXT: "prod",
          OUTPOST_SHM_CLUSTER: "east",
        };
        // The engine's mark of a secret.
        const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: given };
        assert.deepEqual(environment, kubeconfig.startsWith("{") ? secret : given);
      }
    });
  });

  describe("in anybody's program", () => {
    it("needs a namespace and names, and takes no force", async () => {
      const { registered, outputs } = await alone({ namespace: "authentik", outposts: [{ name: "Proxy" }] });
      assertResources(registered, sidecarsOf("ak-outpost-proxy").slice(1));
      const { metadata } = inputsOf(registered, patchType) as { metadata: { annotations: Record<string, string> } };
      assert.deepEqual(metadata.annotations, { ...annotations, "pulumi.com/patchForce": "false" });
      assert.deepEqual(outputs, {
        solutions: { Proxy: "sidecar" },
        patchedDeployments: ["ak-outpost-proxy"],
        cronJobs: [],
      });
    });

    it("takes Outputs for its values, of the stack and of an outpost", async () => {
      const { registered } = await alone({
        namespace: pulumi.output("authentik"),
        schedule: pulumi.output("30 * * * *"),
        sweepInterval: pulumi.output("90s"),
        solution: "both",
        outposts: [{ name: "one", shmSize: pulumi.output("0.5Gi") }],
      });
      const patch = JSON.stringify(inputsOf(registered, patchType));
      assert.match(patch, /"namespace":"authentik"/);
      assert.match(patch, /"sizeLimit":"512Mi"/);
      assert.match(JSON.stringify(inputsOf(registered, "kubernetes:batch/v1:CronJob")), /"schedule":"30 \* \* \* \*"/);
      assert.match(
        JSON.stringify(inputsOf(registered, configMapType, "outpost-shm-ak-outpost-one")),
        /SWEEP_INTERVAL_SECONDS=90/,
      );
    });

    it("takes Outputs inside of labels, as programs of other languages hand them over", async () => {
      const monitoringLabels = { release: pulumi.output("prom") } as never;
      const outposts = [{ name: "one" }];
      const { registered } = await alone({ namespace: "authentik", outposts, monitoring: true, monitoringLabels });
      const { metadata } = inputsOf(registered, configMapType, "outpost-shm-monitoring-dashboard") as {
        metadata: { labels: Record<string, string> };
      };
      assert.equal(metadata.labels.release, "prom");
    });

    it("takes authentik's address from another resource", async () => {
      pulumi.runtime.setAllConfig({ "authentik-outpost-shm:authentikToken": "token" }, [
        "authentik-outpost-shm:authentikToken",
      ]);
      const authentikUrl = pulumi.output("https://auth.example.com");
      const delivery = "authentik" as const;
      const { registered } = await alone({
        namespace: "authentik",
        outposts: [{ name: "one" }],
        delivery,
        authentikUrl,
      });
      const { inputs } = registered.find(({ type }) => type.endsWith("OutpostJsonPatch"))!;
      assert.equal((inputs as { authentikUrl: string }).authentikUrl, "https://auth.example.com");
    });

    it("makes no object for monitoring a secret by a setting that it does not need", async () => {
      const outposts = [{ name: "one" }];
      const authentikUrl = pulumi.secret("https://auth.example.com");
      const cleanerImage = pulumi.secret("registry.example/busybox:1.37");
      const args = { namespace: "authentik", monitoring: true, solution: "both" as const, authentikUrl, cleanerImage };
      const { registered } = await alone({ ...args, outposts });
      const { data } = inputsOf(registered, configMapType, "outpost-shm-monitoring-dashboard") as { data: object };
      assert.deepEqual(
        Object.values(data).map((text) => typeof text),
        ["string"],
      );
      for (const kind of ["monitoring.coreos.com/v1:PrometheusRule", "batch/v1:CronJob"]) {
        const { spec } = registered.find(({ type }) => type.endsWith(kind))!.inputs as { spec: object };
        assert.ok(!(pulumi.runtime.specialSigKey in spec), kind);
      }
    });

    it("refuses Outputs, which no type keeps out in other languages, where a plain value decides which resources there are", async () => {
      const args = {
        namespace: "authentik",
        solution: pulumi.output("none"),
        takeOver: pulumi.output(true),
        outposts: [{ name: pulumi.output("one"), shmSize: pulumi.output("64Mi") }],
      } as unknown as OutpostShmCleanupArgs;
      const wrong =
        "decides which resources there are, so it must be a plain value: no output of a resource, no secret";
      await assert.rejects(alone(args), {
        name: "SettingsError",
        message: `3 problems in the settings:\n  solution: ${wrong}\n  takeOver: ${wrong}\n  outposts[0].name: ${wrong}`,
      });
      for (const [outposts, place] of [
        [pulumi.output([]), "outposts"],
        [[{ name: "one" }, pulumi.secret({ name: "two" })], "outposts\\[1\\]"],
      ] as const)
        await assert.rejects(alone({ ...args, outposts } as unknown as OutpostShmCleanupArgs), {
          message: new RegExp(`\\n {2}${place}: decides `),
        });
    });

    it("takes names for outposts, and says that there are none, where no type asks for objects", async () => {
      const withOutposts = (outposts: unknown) => alone({ namespace: "authentik", outposts } as OutpostShmCleanupArgs);
      const { outputs } = await withOutposts(["one"]);
      assert.deepEqual((outputs as OutpostShmCleanup).patchedDeployments, ["ak-outpost-one"]);
      for (const none of [undefined, null, [], [null]])
        await assert.rejects(withOutposts(none), { name: "SettingsError", message: /\n {2}outposts/ });
    });

    it("makes neither pods nor rights secret, nor unknown in a preview, by a setting of the sweep", async () => {
      const anonymousMaxAge = pulumi.secret("12h");
      for (const [delivery, type] of [
        ["deployment", "DeploymentPatch"],
        ["admission", "MutatingAdmissionPolicy"],
      ] as const) {
        const outposts = [{ name: "one" }];
        const args = { namespace: "authentik", solution: "both" as const, delivery, anonymousMaxAge, outposts };
        const { registered } = await alone(args);
        for (const kind of [type, "Role"]) {
          const { inputs } = registered.find(({ type }) => type.endsWith(`:${kind}`))!;
          assert.doesNotMatch(JSON.stringify(inputs), new RegExp(pulumi.runtime.specialSigKey), kind);
        }
      }
    });

    it("refuses a pod selector for a Deployment that is no outpost's", async () => {
      const selector = { matchLabels: { app: "outpost" } };
      const podSelectors = { "ak-outpost-won": selector, elsewhere: selector };
      await assert.rejects(alone({ namespace: "sso", outposts: [{ name: "one" }], podSelectors }), {
        name: "SettingsError",
        message:
          "2 problems in the settings:\n  podSelectors.ak-outpost-won: unknown key; did you mean ak-outpost-one?\n" +
          "  podSelectors.elsewhere: unknown key; the keys are ak-outpost-one",
      });
    });

    it("refuses bad plain values in one error, and a bad Output as soon as it is known", async () => {
      const bad = { namespace: "authentik", shmSize: "64", outposts: [{ name: "one", highWatermark: 0 }] };
      await assert.rejects(alone(bad), {
        name: "SettingsError",
        message:
          "2 problems in the settings:\n" +
          '  shmSize: "64" has no unit; write e.g. 256Mi or 1Gi\n' +
          "  outposts[0].highWatermark: 0 is no whole number from 1 to 99 (percent, without a sign)",
      });
      const late = { namespace: "authentik", shmSize: pulumi.output("64"), outposts: [{ name: "one" }] };
      await assert.rejects(known(resolveArgs(late).outposts[0].shmSize), {
        name: "SettingsError",
        message: '1 problem in the settings:\n  shmSize: "64" has no unit; write e.g. 256Mi or 1Gi',
      });
    });

    it("shows no credentials of an Output that is wrong", async () => {
      const authentikUrl = pulumi.output("https://admin:hunter2@auth.example.com");
      const args = { namespace: "authentik", authentikUrl, outposts: [{ name: "one" }] };
      await assert.rejects(known(resolveArgs(args).authentikUrl), {
        message: /\n {2}authentikUrl: "https:\/\/\[hidden\]@auth\.example\.com" holds credentials; /,
      });
      const outposts = [{ name: "one", shmSize: pulumi.secret("hunter2") }];
      await assert.rejects(known(resolveArgs({ ...args, outposts }).outposts[0].shmSize), {
        message: /\n {2}outposts\[0\]\.shmSize: \[secret\] /,
      });
    });

    it("takes the stack's Output for an outpost whose own value is undefined", async () => {
      const outposts = [{ name: "one", shmSize: undefined }];
      const resolved = resolveArgs({ namespace: "authentik", shmSize: pulumi.output("0.5Gi"), outposts });
      assert.equal(await known(resolved.outposts[0].shmSize), "512Mi");
    });

    const known = <T>(value: pulumi.Input<T>) =>
      (pulumi.output(value) as unknown as { promise(): Promise<unknown> }).promise();
  });
});
