import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { patchExpression } from "../../../../components/admission/patchExpression";
import { policySpec } from "../../../../components/admission/policySpec";
import { repositoryRoot } from "../../../../sandbox/paths";
import { podFragment, type PodFragment } from "../../../../podPatch/podFragment";
import { fragmentRevision } from "../../../../podPatch/revision";
import { outpostSettings } from "../../outposts";

const fragment = {
  containers: [{ name: "proxy", volumeMounts: [{ name: "dshm", mountPath: "/dev/shm" }] }],
  initContainers: [{ name: "shm-cleanup", image: "busybox:1", restartPolicy: "Always" }],
  volumes: [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } }],
} as unknown as PodFragment;
const added = [
  '!("proxy" in variables.containers) ? [] :',
  '(has(object.spec.volumes) ? [] : [JSONPatch{op: "add", path: "/spec/volumes", value: []}]) +',
  '(has(object.spec.initContainers) ? [] : [JSONPatch{op: "add", path: "/spec/initContainers", value: []}]) +',
  '(has(object.spec.containers[variables.containers.indexOf("proxy")].volumeMounts) ? [] : ' +
    '[JSONPatch{op: "add", path: "/spec/containers/" + string(variables.containers.indexOf("proxy")) + "/volumeMounts", value: []}]) +',
  "[",
  `  JSONPatch{op: "add", path: "/metadata/labels/authentik-outpost-shm~1revision", value: "${fragmentRevision(fragment)}"},`,
  '  JSONPatch{op: "add", path: "/spec/volumes/-", value: Object.spec.volumes{',
  '    name: "dshm",',
  '    emptyDir: Object.spec.volumes.emptyDir{medium: "Memory", sizeLimit: "1Gi"}',
  "  }},",
  '  JSONPatch{op: "add", path: "/spec/initContainers/-", value: ' +
    'Object.spec.initContainers{name: "shm-cleanup", image: "busybox:1", restartPolicy: "Always"}},',
  '  JSONPatch{op: "add", path: "/spec/containers/" + string(variables.containers.indexOf("proxy")) + "/volumeMounts/-", ' +
    'value: Object.spec.containers.volumeMounts{name: "dshm", mountPath: "/dev/shm"}}',
  "]",
].join("\n");

describe("the admission policy", () => {
  it("patches a pod by typed values, and makes a list first that is missing", () => {
    assert.equal(patchExpression(fragment), added);
  });

  it("has the real fragment, with the loader as a variable, and fits two screens for one outpost", () => {
    const { variables, mutations } = policySpec("authentik", [
      { deployment: "one", podSelector: { matchLabels: { app: "one" } }, fragment: podFragment(outpostSettings()) },
    ]);
    const loader = readFileSync(join(repositoryRoot, "cleaner", "loader.sh"), "utf8");
    assert.deepEqual(variables.at(-1), { name: "loader", expression: `r"""${loader}"""` });
    const [{ jsonPatch }] = mutations;
    assert.match(jsonPatch.expression, /command: \["\/bin\/sh", "-c", variables\.loader, "shm-cleanup"\],\n/);
    assert.match(jsonPatch.expression, /limits: \{"cpu": "250m", "memory": "32Mi"\}\n/);
    assert.match(jsonPatch.expression, /runAsUser: 1000,\n/);
    const parts = [...variables.map((each) => each.expression), ...mutations.map((each) => each.jsonPatch.expression)];
    assert.ok(parts.join("\n").split("\n").length < 120);
  });

  it("matches the creation of these outposts' pods, in this namespace, and ignores its own faults", () => {
    const { variables, mutations, matchConditions, ...rest } = policySpec("authentik", [
      { deployment: "one", podSelector: { matchLabels: { type: "proxy", name: "one" } }, fragment },
      { deployment: "by-hand", podSelector: { matchLabels: { name: 'o"2' } }, fragment },
    ]);
    assert.deepEqual(rest, {
      failurePolicy: "Ignore",
      reinvocationPolicy: "Never",
      matchConstraints: {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "authentik" } },
        objectSelector: { matchExpressions: [{ key: "name", operator: "In", values: ['o"2', "one"] }] },
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "Namespaced" },
        ],
      },
    });
    const conditions = matchConditions.map(({ name, expression }) => `${name}: ${expression.replaceAll("\n", " ")}`);
    assert.deepEqual(conditions, [
      "bare: " +
        '!(has(object.spec.volumes) && object.spec.volumes.exists(v, v.name in ["dshm", "shm-cleanup-settings", "shm-cleanup-run", "shm-cleanup-scripts"])) && ' +
        '!(has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name == "shm-cleanup")) && ' +
        '!object.spec.containers.exists(c, c.name == "shm-cleanup") && ' +
        '!object.spec.containers.exists(c, has(c.volumeMounts) && c.volumeMounts.exists(m, m.mountPath == "/dev/shm"))',
    ]);
    assert.deepEqual(variables.slice(0, 3), [
      {
        name: "labels",
        expression:
          'has(object.metadata.labels) ? object.metadata.labels.map(k, k + "=" + object.metadata.labels[k]) : []',
      },
      {
        name: "deployment",
        expression:
          '"name=one" in variables.labels && "type=proxy" in variables.labels ? "one" :\n' +
          '"name=o\\"2" in variables.labels ? "by-hand" :\n""',
      },
      { name: "containers", expression: "object.spec.containers.map(c, c.name)" },
    ]);
    assert.deepEqual(
      mutations,
      ["one", "by-hand"].map((deployment) => ({
        patchType: "JSONPatch",
        jsonPatch: { expression: `variables.deployment != "${deployment}" || ${added}` },
      })),
    );
  });
});
