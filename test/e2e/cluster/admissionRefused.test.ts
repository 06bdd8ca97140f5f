// Delivery by admission where it can't work: new pods that something else changes or refuses, by a real API server. Any refusal of a
// pod is taken the same way, whoever it is from. test/unit/preflight has the other reasons.
import assert from "node:assert/strict";
import type { KubernetesObject } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { waitUntil } from "../../../sandbox/waitUntil";
import { problemsOf } from "./harness";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const name = "admission-refused";
const namespace = `test-${name}`;
const delivery = "admission";
const apiVersion = "admissionregistration.k8s.io/v1";

const problems = ({ kubeconfig }: Scenario): Promise<string[]> =>
  problemsOf(kubeconfig, name, { namespace, outposts: ["main"], delivery });

const matchPods = {
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
};

/** Makes a policy of somebody else's for all pods of the namespace. */
const policy = (kind: string, spec: object): KubernetesObject[] =>
  [
    { kind, metadata: { name: "stranger" }, spec: { failurePolicy: "Fail", matchConstraints: matchPods, ...spec } },
    {
      kind: `${kind}Binding`,
      metadata: { name: "stranger" },
      spec: { policyName: "stranger", ...(kind.startsWith("Validating") && { validationActions: ["Deny"] }) },
    },
  ].map((object) => ({ apiVersion, ...object }));

const service = { namespace, name: "no-such-service", path: "/pods" };
const refused = 'outpost "main": the API server would not take a pod with the sidecar: ';

/** Things that others have in a cluster, and what the preflight says of them. */
const others: [what: string, objects: KubernetesObject[], said: RegExp][] = [
  [
    "a policy gives the sidecar's volume another size",
    policy("MutatingAdmissionPolicy", {
      reinvocationPolicy: "Never",
      matchConditions: [
        {
          name: "match",
          expression: 'has(object.spec.volumes) && object.spec.volumes.exists(v, v.name == "dshm")',
        },
      ],
      mutations: [
        {
          patchType: "ApplyConfiguration",
          applyConfiguration: {
            expression:
              'Object{spec: Object.spec{volumes: [Object.spec.volumes{name: "dshm", emptyDir: Object.spec.volumes.emptyDir{sizeLimit: "64Mi"}}]}}',
          },
        },
      ],
    }),
    /^outpost "main": another admission policy or a webhook changes what the sidecar needs in a new pod of Deployment ak-outpost-main: spec\.volumes\[dshm\]\.emptyDir\.sizeLimit\. /,
  ],
  [
    "a policy denies init containers",
    policy("ValidatingAdmissionPolicy", {
      validations: [{ expression: "!has(object.spec.initContainers)", message: "no init containers in this cluster" }],
    }),
    new RegExp(
      `^${refused}pods "[^"]+" is forbidden: ValidatingAdmissionPolicy 'stranger' with binding 'stranger' denied request: no init containers in this cluster\\. `,
    ),
  ],
  [
    "a webhook does not answer",
    [
      {
        apiVersion,
        kind: "ValidatingWebhookConfiguration",
        metadata: { name: "stranger" },
        webhooks: [
          {
            name: "pods.example.com",
            clientConfig: { service },
            namespaceSelector: matchPods.namespaceSelector,
            rules: matchPods.resourceRules,
            failurePolicy: "Fail",
            sideEffects: "None",
            admissionReviewVersions: ["v1"],
          },
        ],
      } as KubernetesObject,
    ],
    new RegExp(`^${refused}Internal error occurred: failed calling webhook "pods\\.example\\.com": .*no-such-service`),
  ],
];

describe("delivery by admission, where it can't work", () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await openScenario({ name, config: { delivery } });
  });
  after(closeScenarios);

  /** Resolves once the preflight stops with these words alone. */
  async function stops(said: RegExp): Promise<void> {
    const seen = async () => {
      const found = await problems(scenario);
      return (found.length === 1 && said.test(found[0])) || assert.fail(found.join("\n"));
    };
    await waitUntil(seen, { what: "the API server to follow", timeoutMs: 30_000 });
  }
  const untilClear = () =>
    waitUntil(async () => (await problems(scenario)).length === 0 || undefined, {
      what: "the API server to forget it",
      timeoutMs: 30_000,
    });

  for (const [what, objects, said] of others) {
    it(`stops where ${what}`, async () => {
      for (const object of objects) await scenario.generic.create(object);
      await stops(said);
      for (const object of [...objects].reverse()) await scenario.generic.delete(object);
      await untilClear();
    });
  }
});
