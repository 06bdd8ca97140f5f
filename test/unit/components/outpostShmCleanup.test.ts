// The component on Pulumi's mocks: which resources it registers, with which inputs and parents, and how it refuses. Mocks
// answer for the engine, the providers and the cluster, so nothing here proves that a cluster takes these objects, that a
// field changes hands, or what a preview shows: test/e2e/cluster does.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { DeploymentApi } from "../../../kubernetes/deployments";
import { cleanerScripts } from "../../../cleaner/scripts";
import type { Support } from "../../../kubernetes/support";
import { execPolicySpec } from "../../../components/cronjob/execPolicy";
import { cronJobSpec, execRules } from "../../../components/cronjob/manifest";
import { alertRules } from "../../../components/monitoring/alerts";
import { dashboard } from "../../../components/monitoring/dashboard";
import { objectLabels } from "../../../components/objectLabels";
import { OutpostShmCleanup, type OutpostShmCleanupArgs } from "../../../components/outpostShmCleanup";
import { resolveSettings, type OutpostSettings } from "../../../settings/settings";
import { ownPart } from "../../../sidecar/jsonPatch/jsonPatch";
import { podFragment } from "../../../sidecar/podFragment";
import { liveDeployment } from "../preflight/liveDeployment";

const commandType = "command:local:Command";

interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

function api(live = [liveDeployment("ak-outpost-one"), liveDeployment("ak-outpost-two")]): DeploymentApi {
  const find = (name: string) => live.find(({ metadata }) => metadata?.name === name);
  const dryRun = (_namespace: string, name: string) =>
    Promise.resolve({ outcome: "applied" as const, deployment: find(name)! });
  return {
    read: (_namespace, name) => Promise.resolve(find(name)),
    listOutposts: () => Promise.resolve(live),
    dryRunApply: dryRun,
    dryRunMerge: dryRun,
  };
}

const stackArgs = (raw: Record<string, unknown>, support: Support = "usable"): OutpostShmCleanupArgs => ({
  ...resolveSettings({ namespace: "authentik", outposts: ["one", "two"], ...raw }),
  deployments: api(),
  policies: { support: () => Promise.resolve(support) },
  monitoringKinds: { support: () => Promise.resolve("usable") },
});

/** Runs the component with these arguments and collects what it registers, logs and fails with. */
async function run(args: OutpostShmCleanupArgs) {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs: inputs as Record<string, unknown> });
        return { id: `${name}-id`, state: inputs as Record<string, unknown> };
      },
      call: () => ({}),
    },
    "authentik-outpost-shm",
    "test",
  );
  // The SDK's mocks say that they have resource hooks, and lack the one call that takes them.
  const monitor = pulumi.runtime.getMonitor() as unknown as Record<string, unknown>;
  monitor.registerResourceHook = (_request: unknown, done: (error: null, response: unknown) => void) => done(null, {});
  const failures = collectRejections();
  const outputs: unknown = await pulumi.runtime.runInPulumiStack(() => {
    const { solutions, patchedDeployments, cronJobs } = new OutpostShmCleanup("outpost-shm", args);
    return Promise.resolve({ solutions, patchedDeployments, cronJobs });
  });
  await pulumi.runtime.disconnect();
  // Node reports unhandled rejections once the current turn of its event loop is over.
  await nextTurn();
  return { registered, outputs, failures: failures() };
}

/** What would fail the program: Pulumi's host listens for unhandled rejections. The same error counts once, as there. */
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

const named = (registered: Registered[]): string[] => registered.map(({ type, name }) => `${type} ${name}`).sort();
const inputsOf = (registered: Registered[], type: string): Record<string, unknown> => {
  const found = registered.filter((resource) => resource.type === type);
  assert.equal(found.length, 1, `one ${type}`);
  return found[0].inputs;
};

/** What an object is applied with, in the stack's name. */
const annotations = {
  "pulumi.com/patchFieldManager": "authentik-outpost-shm-test",
  "pulumi.com/patchForce": "true",
};
const stackAndComponent = [
  "authentik-outpost-shm:index:OutpostShmCleanup outpost-shm",
  "pulumi:pulumi:Stack authentik-outpost-shm-test",
];
const sidecarsOf = (...deployments: string[]) => [
  `${commandType} outpost-shm-rollout`,
  ...deployments.flatMap((deployment) => [
    `authentik-outpost-shm:index:SidecarPatch outpost-shm-${deployment}`,
    `kubernetes:apps/v1:DeploymentPatch outpost-shm-${deployment}`,
    `kubernetes:core/v1:ConfigMap outpost-shm-${deployment}`,
  ]),
];
const jsonPatchType = "pulumi-nodejs:dynamic/authentik-outpost-shm:OutpostJsonPatch";
/** As authentik's API lists it. */
const authentikOutpost = (name: string) => ({
  pk: "0a1b",
  name,
  type: "proxy",
  managed: null,
  config: {},
  service_connection_obj: { name: "local", meta_model_name: "authentik_outposts.kubernetesserviceconnection" },
});
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
const prometheusRule = "kubernetes:monitoring.coreos.com/v1:PrometheusRule outpost-shm-monitoring-alerts";
const dashboardConfigMap = "kubernetes:core/v1:ConfigMap outpost-shm-monitoring-dashboard";
const monitoring = [
  "authentik-outpost-shm:index:Monitoring outpost-shm-monitoring",
  prometheusRule,
  dashboardConfigMap,
];

describe("OutpostShmCleanup on mocks", () => {
  const bothSidecars = sidecarsOf("ak-outpost-one", "ak-outpost-two");
  const cases: { solution: string; resources: string[]; patched: string[]; cronJobs: string[] }[] = [
    { solution: "none", resources: [], patched: [], cronJobs: [] },
    { solution: "sidecar", resources: bothSidecars, patched: ["ak-outpost-one", "ak-outpost-two"], cronJobs: [] },
    { solution: "cronjob", resources: heldCronJob, patched: [], cronJobs: ["authentik-outpost-shm-cleanup"] },
    {
      solution: "both",
      resources: [...bothSidecars, ...heldCronJob],
      patched: ["ak-outpost-one", "ak-outpost-two"],
      cronJobs: ["authentik-outpost-shm-cleanup"],
    },
  ];
  for (const { solution, resources, patched, cronJobs } of cases) {
    it(`registers exactly the resources of ${solution}, and says so in its outputs`, async () => {
      const { registered, outputs, failures } = await run(stackArgs({ solution }));
      assert.deepEqual(named(registered), [...stackAndComponent, ...resources].sort());
      assert.deepEqual(outputs, {
        solutions: { one: solution, two: solution },
        patchedDeployments: patched,
        cronJobs,
      });
      assert.deepEqual(failures, []);
    });
  }

  it("gives each outpost its own solution; the CronJob sweeps only those that ask for it", async () => {
    const { registered, outputs } = await run(stackArgs({ outposts: ["one", { name: "two", solution: "cronjob" }] }));
    assert.deepEqual(named(registered), [...stackAndComponent, ...sidecarsOf("ak-outpost-one"), ...heldCronJob].sort());
    assert.deepEqual((outputs as { solutions: unknown }).solutions, { one: "sidecar", two: "cronjob" });
    const spec = JSON.stringify(inputsOf(registered, "kubernetes:batch/v1:CronJob").spec);
    assert.match(spec, /"name":"OUTPOSTS","value":"two SWEEP_INTERVAL_SECONDS=60 [^"]*"/);
    assert.doesNotMatch(spec, /"value":"one /);
  });

  it("patches with the fragment, under a field manager that names the stack", async () => {
    const { registered } = await run(stackArgs({ outposts: ["one"] }));
    const settings = stackArgs({ outposts: ["one"] }).outposts[0] as OutpostSettings;
    assert.deepEqual(inputsOf(registered, "kubernetes:apps/v1:DeploymentPatch"), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: "ak-outpost-one",
        namespace: "authentik",
        annotations: {
          "pulumi.com/patchFieldManager": "authentik-outpost-shm-test",
          "pulumi.com/patchForce": "true",
          "pulumi.com/skipAwait": "true",
        },
      },
      spec: { template: { spec: podFragment(settings, cleanerScripts()) } },
    });
  });

  it("hands the sweep's settings over in a ConfigMap", async () => {
    const { registered } = await run(
      stackArgs({ outposts: [{ name: "one", sweepInterval: "90s", lowWatermark: 50 }] }),
    );
    assert.deepEqual(inputsOf(registered, "kubernetes:core/v1:ConfigMap"), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "ak-outpost-one-shm-cleanup", namespace: "authentik", labels: objectLabels, annotations },
      data: {
        settings:
          "SWEEP_INTERVAL_SECONDS=90\nANONYMOUS_MAX_AGE_SECONDS=3600\nAUTHENTICATED_MAX_AGE_SECONDS=86400\n" +
          "HIGH_WATERMARK_PERCENT=80\nLOW_WATERMARK_PERCENT=50\n",
      },
    });
  });

  it("runs the CronJob as its own account, bound to its own role", async () => {
    const { registered } = await run(stackArgs({ solution: "cronjob" }));
    const metadata = {
      name: "authentik-outpost-shm-cleanup",
      namespace: "authentik",
      labels: objectLabels,
      annotations,
    };
    assert.deepEqual(inputsOf(registered, "kubernetes:core/v1:ServiceAccount").metadata, metadata);
    assert.deepEqual(inputsOf(registered, "kubernetes:rbac.authorization.k8s.io/v1:Role"), {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata,
      rules: execRules,
    });
    assert.deepEqual(inputsOf(registered, "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"), {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: metadata.name, namespace: "authentik" }],
    });
    const outposts = stackArgs({}).outposts as OutpostSettings[];
    const settings = {
      namespace: "authentik",
      schedule: "0 * * * *",
      kubectlImage: "docker.io/alpine/kubectl:1.34.2",
      serviceAccountName: metadata.name,
      outposts,
    };
    assert.deepEqual(inputsOf(registered, "kubernetes:batch/v1:CronJob"), {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata,
      spec: cronJobSpec(settings, objectLabels, cleanerScripts()),
    });
  });

  it("holds the account by a policy and its binding, named after the namespace since both are of the whole cluster", async () => {
    const { registered } = await run(stackArgs({ solution: "cronjob" }));
    const apiVersion = "admissionregistration.k8s.io/v1";
    const metadata = { name: "authentik-outpost-shm-cleanup-authentik", labels: objectLabels, annotations };
    const settings = {
      namespace: "authentik",
      outposts: stackArgs({}).outposts as OutpostSettings[],
      serviceAccountName: "authentik-outpost-shm-cleanup",
    };
    assert.deepEqual(inputsOf(registered, `kubernetes:${apiVersion}:ValidatingAdmissionPolicy`), {
      apiVersion,
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: execPolicySpec(settings, cleanerScripts()),
    });
    assert.deepEqual(inputsOf(registered, `kubernetes:${apiVersion}:ValidatingAdmissionPolicyBinding`), {
      apiVersion,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata,
      spec: { policyName: metadata.name, validationActions: ["Deny"] },
    });
  });

  it("goes without the policy where restrictExec is false, or the cluster has none", async () => {
    for (const args of [
      stackArgs({ solution: "cronjob", restrictExec: false }, "forbidden"),
      stackArgs({ solution: "cronjob" }, "unserved"),
    ]) {
      const { registered, failures } = await run(args);
      assert.deepEqual(named(registered), [...stackAndComponent, ...cronJob].sort());
      assert.deepEqual(failures, []);
    }
  });

  it("registers nothing where it may not create the policy, and asks about none without a CronJob", async () => {
    const { registered, failures } = await run(stackArgs({ solution: "both" }, "forbidden"));
    assert.deepEqual(named(registered), stackAndComponent);
    assert.deepEqual(failures, [
      "Nothing was changed. The cluster is not as the settings need it:\n" +
        "  - restrictExec needs a ValidatingAdmissionPolicy and its binding, which your account may not create. Have somebody update the " +
        "stack who may, or set restrictExec to false: the CronJob's account may then run any command in the pods of namespace authentik, not only the sweep.",
    ]);
    assert.deepEqual((await run(stackArgs({ solution: "sidecar" }, "forbidden"))).failures, []);
  });

  const monitored: { raw: Record<string, unknown>; resources: string[] }[] = [
    { raw: {}, resources: [...sidecarsOf("ak-outpost-one"), ...monitoring, podMonitor] },
    { raw: { solution: "cronjob" }, resources: [...heldCronJob, ...monitoring] },
    { raw: { solution: "none" }, resources: [] },
    {
      raw: { podMonitor: false },
      resources: [...sidecarsOf("ak-outpost-one"), ...monitoring],
    },
    {
      raw: { alerts: false },
      resources: [...sidecarsOf("ak-outpost-one"), ...monitoring, podMonitor].filter((it) => it !== prometheusRule),
    },
    {
      raw: { dashboard: false },
      resources: [...sidecarsOf("ak-outpost-one"), ...monitoring, podMonitor].filter((it) => it !== dashboardConfigMap),
    },
    { raw: { podMonitor: false, alerts: false, dashboard: false }, resources: sidecarsOf("ak-outpost-one") },
    { raw: { solution: "cronjob", alerts: false, dashboard: false }, resources: heldCronJob },
  ];
  for (const { raw, resources } of monitored) {
    it(`registers exactly what monitoring with ${JSON.stringify(raw)} asks for`, async () => {
      const { registered, failures } = await run(stackArgs({ outposts: ["one"], monitoring: true, ...raw }));
      assert.deepEqual(named(registered), [...stackAndComponent, ...resources].sort());
      assert.deepEqual(failures, []);
    });
  }

  it("hands Prometheus and Grafana their objects, with the labels they are selected by", async () => {
    const raw = { outposts: ["one"], solution: "both", monitoring: true, monitoringLabels: "release=prom,team=auth" };
    const args = stackArgs(raw);
    const { registered } = await run(args);
    const labels = { ...objectLabels, release: "prom", team: "auth" };
    const metadata = { name: "authentik-outpost-shm", namespace: "authentik", labels, annotations };
    const apiVersion = "monitoring.coreos.com/v1";
    assert.deepEqual(inputsOf(registered, `kubernetes:${apiVersion}:PodMonitor`), {
      apiVersion,
      kind: "PodMonitor",
      metadata,
      spec: {
        selector: { matchLabels: { "goauthentik.io/outpost-type": "proxy" } },
        podTargetLabels: ["goauthentik.io/outpost-name"],
        podMetricsEndpoints: [{ port: "shm-metrics", path: "/metrics.txt" }],
      },
    });
    const { thresholds, runbookUrl } = args.monitoring!;
    const rules = alertRules({
      namespace: "authentik",
      sidecars: args.outposts as OutpostSettings[],
      cronJob: "authentik-outpost-shm-cleanup",
      thresholds,
      runbookUrl,
    });
    assert.deepEqual(inputsOf(registered, `kubernetes:${apiVersion}:PrometheusRule`), {
      apiVersion,
      kind: "PrometheusRule",
      metadata,
      spec: { groups: [{ name: "authentik-outpost-shm", rules }] },
    });
    const configMaps = registered.filter(({ name }) => name === "outpost-shm-monitoring-dashboard");
    assert.deepEqual(configMaps[0].inputs, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: "authentik-outpost-shm-dashboard",
        namespace: "authentik",
        labels: { ...objectLabels, grafana_dashboard: "1", release: "prom", team: "auth" },
        annotations,
      },
      data: { "authentik-outpost-shm.json": `${JSON.stringify(dashboard("authentik", thresholds), null, 2)}\n` },
    });
  });

  it("registers nothing where the cluster lacks the Prometheus operator's kinds, and asks only for those it creates", async () => {
    const lacking: OutpostShmCleanupArgs["monitoringKinds"] = { support: () => Promise.resolve("unserved") };
    const monitored = (raw: Record<string, unknown>) => ({
      ...stackArgs({ outposts: ["one"], monitoring: true, ...raw }),
      monitoringKinds: lacking,
    });
    const { registered, failures } = await run(monitored({}));
    assert.deepEqual(named(registered), stackAndComponent);
    assert.deepEqual(failures, [
      "Nothing was changed. The cluster is not as the settings need it:\n" +
        "  - monitoring: this cluster has no PodMonitor: the CustomResourceDefinition podmonitors.monitoring.coreos.com is missing. " +
        "Install the Prometheus operator, or set podMonitor to false.\n" +
        "  - monitoring: this cluster has no PrometheusRule: the CustomResourceDefinition prometheusrules.monitoring.coreos.com is missing. " +
        "Install the Prometheus operator, or set alerts to false.",
    ]);
    assert.deepEqual((await run(monitored({ podMonitor: false, alerts: false }))).failures, []);
    assert.deepEqual((await run(monitored({ monitoring: false }))).failures, []);
    assert.deepEqual((await run(monitored({ solution: "none" }))).failures, []);
  });

  it("hands our operations to the outpost's JSON patch with delivery authentik, the token to no resource", async () => {
    const token = pulumi.secret("t0ken");
    const readOutpost = { pagination: { next: 0 }, results: [authentikOutpost("one")] };
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "application/json").end(JSON.stringify(readOutpost));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const args = stackArgs({ outposts: ["one"] });
      const outposts = args.outposts.map((outpost) => ({ ...outpost, delivery: "authentik" as const }));
      const { registered, outputs, failures } = await run({ ...args, outposts, authentik: { url, token } });
      assert.deepEqual(failures, []);
      assert.deepEqual(
        named(registered),
        [
          ...stackAndComponent,
          ...sidecarsOf("ak-outpost-one").filter((resource) => !resource.includes("DeploymentPatch")),
          `${jsonPatchType} outpost-shm-ak-outpost-one`,
        ].sort(),
      );
      const { __provider: provider, ...inputs } = inputsOf(registered, jsonPatchType);
      assert.equal(typeof provider, "string");
      assert.deepEqual(inputs, {
        authentikUrl: url,
        outpost: "one",
        namespace: "authentik",
        deployment: "ak-outpost-one",
        fieldManager: "authentik-outpost-shm-test",
        operations: ownPart(podFragment(args.outposts[0] as OutpostSettings, cleanerScripts())),
      });
      assert.ok(!JSON.stringify(registered).includes("t0ken"));
      // Not a secret, though it was found with one.
      assert.deepEqual((outputs as { patchedDeployments: unknown }).patchedDeployments, ["ak-outpost-one"]);
    } finally {
      server.close();
    }
  });

  it("awaits the rollout by a command, told by its input of whom", async () => {
    const raw = { solution: "both", verifyTimeout: "90s", outposts: ["one", { name: "two", solution: "cronjob" }] };
    const { registered } = await run(stackArgs(raw));
    const { stdin, triggers, ...rest } = inputsOf(registered, commandType);
    assert.deepEqual(rest, {
      interpreter: ["node", "cli/outpost-shm.mjs"],
      create: "verify-update",
      environment: {},
    });
    const one = {
      name: "one",
      slug: "one",
      deployment: "ak-outpost-one",
      solution: "sidecar",
      sweepIntervalSeconds: 0,
    };
    const expectation = { namespace: "authentik", rolloutOnly: true, outposts: [one] };
    assert.deepEqual(JSON.parse(stdin as string), { expectation, wait: 90, run: false });
    assert.match((triggers as string[])[0], /^\d{4}-\d\d-\d\dT/);
  });

  it("awaits no outpost but those whose pods restart or are being rolled out", async () => {
    const [one, two] = ["ak-outpost-one", "ak-outpost-two"].map((name) => liveDeployment(name));
    const deployments = api([one, { ...two, status: { ...two.status, availableReplicas: 0 } }]);
    const { registered } = await run({ ...stackArgs({}), deployments });
    const { expectation } = JSON.parse(inputsOf(registered, commandType).stdin as string) as {
      expectation: { outposts: { name: string }[] };
    };
    assert.deepEqual(
      expectation.outposts.map(({ name }) => name),
      ["two"],
    );
  });

  describe("with verify", () => {
    const verified = async (raw: Record<string, unknown>, rest: Partial<OutpostShmCleanupArgs> = {}) => {
      const { registered, failures } = await run({ ...stackArgs({ verify: true, ...raw }), ...rest });
      assert.deepEqual(failures, []);
      return registered.filter(({ name }) => name !== "outpost-shm-rollout");
    };
    const triggersOf = async (raw: Record<string, unknown>) =>
      inputsOf(await verified(raw), commandType).triggers as string[];

    it("runs the check as a command, told by its input what to expect", async () => {
      const inputs = inputsOf(
        await verified({ solution: "both", verifyTimeout: "90s", outposts: ["one"] }),
        commandType,
      );
      const { stdin, triggers, ...rest } = inputs;
      assert.deepEqual(rest, {
        interpreter: ["node", "cli/outpost-shm.mjs"],
        create: "verify-update",
        environment: {},
      });
      const { expectation, ...how } = JSON.parse(stdin as string) as Record<string, unknown>;
      assert.deepEqual(how, { wait: 90, run: true });
      assert.deepEqual(expectation, {
        namespace: "authentik",
        schedule: "0 * * * *",
        outposts: [
          {
            name: "one",
            slug: "one",
            deployment: "ak-outpost-one",
            solution: "both",
            shmSize: "256Mi",
            sweepIntervalSeconds: 60,
          },
        ],
      });
      assert.equal((triggers as string[]).length, 2);
      for (const trigger of triggers as string[]) assert.match(trigger, /^[0-9a-f]{16}$/);
    });

    it("has nothing to verify where no outpost has a solution, and does not unless asked", async () => {
      assert.deepEqual(named(await verified({ solution: "none" })), stackAndComponent);
      const { registered } = await run(stackArgs({ verify: false }));
      assert.ok(!named(registered).includes(`${commandType} outpost-shm-verify`));
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
      ];
      for (const [change, expected] of changes) {
        const after = await triggersOf({ solution: "both", ...change });
        const changed = after.flatMap((trigger, index) => (trigger === before[index] ? [] : [index]));
        assert.deepEqual(changed, expected, JSON.stringify(change));
      }
    });

    it("hands the cluster over in the environment: a kubeconfig's path as it is, its text as a secret", async () => {
      const config = pulumi.runtime.allConfig();
      try {
        for (const kubeconfig of ["/home/me/config", '{"kind":"Config"}']) {
          pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": kubeconfig, "kubernetes:context": "prod" });
          const { environment } = inputsOf(await verified({}), commandType);
          const given = { OUTPOST_SHM_KUBECONFIG: kubeconfig, OUTPOST_SHM_CONTEXT: "prod" };
          // The engine's mark of a secret.
          const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: given };
          assert.deepEqual(environment, kubeconfig.startsWith("{") ? secret : given);
        }
      } finally {
        pulumi.runtime.setAllConfig(config);
      }
    });
  });

  it("takes Outputs for its values", async () => {
    const args = stackArgs({ outposts: ["one"], solution: "both" });
    const [outpost] = args.outposts;
    const { registered } = await run({
      ...args,
      namespace: pulumi.output("authentik"),
      schedule: pulumi.output("30 * * * *"),
      outposts: [{ ...outpost, shmSize: pulumi.output("512Mi") }],
    });
    const patch = JSON.stringify(inputsOf(registered, "kubernetes:apps/v1:DeploymentPatch"));
    assert.match(patch, /"sizeLimit":"512Mi"/);
    assert.match(JSON.stringify(inputsOf(registered, "kubernetes:batch/v1:CronJob")), /"schedule":"30 \* \* \* \*"/);
  });

  it("registers nothing and fails with one error where Deployments are missing", async () => {
    const { registered, failures } = await run({ ...stackArgs({}), deployments: api([]) });
    assert.deepEqual(named(registered), stackAndComponent);
    assert.equal(failures.length, 1);
    assert.deepEqual(
      failures[0].split("\n").map((line) => line.split(";")[0]),
      [
        "Nothing was changed. The cluster is not as the settings need it:",
        '  - outpost "one": there is no Deployment ak-outpost-one in namespace authentik',
        '  - outpost "two": there is no Deployment ak-outpost-two in namespace authentik',
      ],
    );
  });

  it("fails the same way where it can't look", async () => {
    const deployments = { ...api(), read: () => Promise.reject(new Error("No answer from the Kubernetes API")) };
    const { registered, failures } = await run({ ...stackArgs({}), deployments });
    assert.deepEqual(named(registered), stackAndComponent);
    assert.deepEqual(failures, [
      "Nothing was changed. The cluster is not as the settings need it:\n  - No answer from the Kubernetes API",
    ]);
  });
});
