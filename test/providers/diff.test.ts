// The pure half of the Kubernetes stand-in: the property paths of a change, and what a live object is cut to.
import assert from "node:assert/strict";
import { diffObjects } from "../../sandbox/providers/kubernetes/diff";
import { normalized, pruned } from "../../sandbox/providers/kubernetes/objects";
import { adoption } from "../../sandbox/providers/kubernetes/ownership";
import type { Properties } from "../../sandbox/providers/properties";

const whole = { patch: false, mutableKinds: new Set<string>(), ignored: [] };
const metadata = { name: "a", namespace: "n" };
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function paths(live: Properties, news: Properties, options: Partial<Parameters<typeof diffObjects>[2]> = {}): string[] {
  const { changes } = diffObjects(live, news, { ...whole, ...options });
  return [...changes].map(([path, { kind, replace }]) => `${replace ? "replace: " : ""}${kind} ${path}`);
}

describe("Kubernetes stand-in: differences", () => {
  const cases: { name: string; live: Properties; news: Properties; expected: string[]; patch?: boolean }[] = [
    { name: "nothing", live: { a: [1, { b: "c" }] }, news: { a: [1, { b: "c" }] }, expected: [] },
    { name: "an item added to a list", live: { a: [1] }, news: { a: [1, 2] }, expected: ["add a[1]"] },
    { name: "an item gone from a list", live: { a: [1, 2] }, news: { a: [1] }, expected: ["delete a[1]"] },
    { name: "a property gone", live: { a: { b: 1, c: 2 } }, news: { a: { b: 1 } }, expected: ["delete a.c"] },
    { name: "a whole map added", live: {}, news: { a: { b: 1 } }, expected: ["add a"] },
    { name: "an empty map that the server dropped", live: {}, news: { a: {} }, expected: [] },
    { name: "another type", live: { a: [1] }, news: { a: { b: 1 } }, expected: ["update a"] },
    { name: "a value the preview cannot know", live: { a: "x" }, news: { a: unknown }, expected: ["update a"] },
    {
      name: "keys with dots",
      live: { metadata: { ...metadata, annotations: { "a.b/c": "1" } } },
      news: { metadata: { ...metadata, annotations: { "a.b/c": "2" } } },
      expected: ['update metadata.annotations["a.b/c"]'],
    },
    {
      name: "the same amount, written otherwise",
      live: { resources: { limits: { cpu: "500m", memory: "1Gi" } }, emptyDir: { sizeLimit: "256Mi" } },
      news: { resources: { limits: { cpu: 0.5, memory: "1024Mi" } }, emptyDir: { sizeLimit: "262144Ki" } },
      expected: [],
    },
    {
      name: "text that looks like an amount",
      live: { data: { a: "1Gi" } },
      news: { data: { a: "1024Mi" } },
      expected: ["update data.a"],
    },
    {
      name: "another name",
      live: { kind: "Deployment", metadata },
      news: { kind: "Deployment", metadata: { ...metadata, name: "b" } },
      expected: ["replace: update metadata.name"],
    },
    {
      name: "a selector",
      live: { kind: "Deployment", spec: { selector: { matchLabels: { a: "1" } } } },
      news: { kind: "Deployment", spec: { selector: { matchLabels: { a: "2" } } } },
      expected: ["replace: update spec.selector.matchLabels.a"],
    },
    {
      name: "a selector that comes with all of the spec",
      live: { kind: "Deployment" },
      news: { kind: "Deployment", spec: { selector: {}, replicas: 1 } },
      expected: ["replace: add spec"],
    },
    {
      name: "a spec without a selector",
      live: { kind: "Deployment" },
      news: { kind: "Deployment", spec: { replicas: 1 } },
      expected: ["add spec"],
    },
    {
      name: "a selector in a patch",
      live: { kind: "Deployment", spec: { selector: { matchLabels: { a: "1" } } } },
      news: { kind: "Deployment", spec: { selector: { matchLabels: { a: "2" } } } },
      expected: ["update spec.selector.matchLabels.a"],
      patch: true,
    },
    {
      name: "the role of a binding",
      live: { kind: "RoleBinding", roleRef: { name: "a" } },
      news: { kind: "RoleBinding", roleRef: { name: "b" } },
      expected: ["replace: update roleRef.name"],
    },
  ];
  for (const { name, live, news, expected, patch } of cases) {
    it(`finds ${name}`, () => assert.deepEqual(paths(live, news, { patch: patch ?? false }), expected));
  }

  it("leaves out what the program ignores", () => {
    const ignored = ["spec.replicas", "spec.containers"];
    const live = { spec: { replicas: 1, replicasMax: 1, containers: [{ image: "a" }] } };
    const news = { spec: { replicas: 2, replicasMax: 2, containers: [{ image: "b" }] } };
    assert.deepEqual(paths(live, news, { ignored }), ["update spec.replicasMax"]);
  });

  it("changes a ConfigMap in place only where that is enabled and it is not immutable", () => {
    const map = (value: string, immutable?: boolean) => ({
      kind: "ConfigMap",
      data: { value },
      ...(immutable && { immutable }),
    });
    const mutableKinds = new Set(["ConfigMap"]);
    assert.deepEqual(paths(map("a"), map("b")), ["replace: update data.value"]);
    assert.deepEqual(paths(map("a"), map("b"), { mutableKinds }), ["update data.value"]);
    assert.deepEqual(paths(map("a", true), map("b", true), { mutableKinds }), ["replace: update data.value"]);
  });

  it("deletes first only what comes back under the same name", () => {
    const binding = (name: string, role: string, annotations = {}) => ({
      kind: "RoleBinding",
      metadata: { name, namespace: "n", annotations },
      roleRef: { name: role },
    });
    const deletesFirst = (live: Properties, news: Properties) => diffObjects(live, news, whole).deleteBeforeReplace;
    assert.equal(deletesFirst(binding("a", "x"), binding("a", "y")), true);
    assert.equal(deletesFirst(binding("a", "x"), binding("b", "x")), false);
    assert.equal(deletesFirst(binding("a", "x"), binding("a", "x", { b: "c" })), false);
    const generated = { "pulumi.com/autonamed": "true" };
    assert.equal(deletesFirst(binding("a", "x", generated), binding("a", "y", generated)), false);
  });
});

describe("Kubernetes stand-in: live objects", () => {
  it("are cut to the shape of the inputs, list items paired by their key", () => {
    const live: Properties = {
      spec: {
        replicas: 1,
        containers: [
          { name: "mesh", image: "m" },
          {
            name: "proxy",
            image: "p",
            volumeMounts: [
              { mountPath: "/theirs", name: "t" },
              { mountPath: "/dev/shm", name: "d" },
            ],
          },
        ],
        args: ["a", "b"],
      },
    };
    const inputs = {
      spec: {
        containers: [{ name: "proxy", volumeMounts: [{ mountPath: "/dev/shm", name: "d" }] }],
        args: ["x"],
        gone: 1,
      },
    };
    assert.deepEqual(pruned(live, inputs), {
      spec: { containers: [{ name: "proxy", volumeMounts: [{ mountPath: "/dev/shm", name: "d" }] }], args: ["a"] },
    });
  });

  it("have a Secret's stringData as data", () => {
    const secret = { kind: "Secret", data: { a: "YQ==" }, stringData: { b: "b" } };
    assert.deepEqual(normalized(secret), { kind: "Secret", data: { a: "YQ==", b: "Yg==" } });
  });

  it("give what kubectl owns to the program's manager, and leave the rest", () => {
    const entry = (manager: string, operation: string, fieldsV1: Properties, subresource?: string) => ({
      manager,
      operation,
      fieldsV1,
      ...(subresource && { subresource }),
    });
    const controller = entry("kube-controller-manager", "Update", { "f:status": {} }, "status");
    const scaled = entry("kubectl", "Update", { "f:spec": { "f:replicas": {} } }, "scale");
    const own = entry("shm", "Apply", { "f:spec": { "f:a": {} } });
    const edited = entry("kubectl-edit", "Update", { "f:spec": { "f:b": {} } });
    const live = { metadata: { resourceVersion: "7", managedFields: [controller, scaled, own, edited] } };
    const adopted = entry("shm", "Apply", { "f:spec": { "f:a": {}, "f:b": {} } });
    assert.deepEqual(adoption(live, "shm"), [
      { op: "replace", path: "/metadata/managedFields", value: [controller, scaled, adopted] },
      { op: "test", path: "/metadata/resourceVersion", value: "7" },
    ]);
    assert.equal(adoption({ metadata: { managedFields: [controller, scaled, own] } }, "shm"), undefined);
  });
});
