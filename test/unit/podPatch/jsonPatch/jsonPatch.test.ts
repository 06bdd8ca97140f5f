import assert from "node:assert/strict";
import { applyPatch, type Operation } from "rfc6902";
import { parseOperations, type JsonPatchOperation } from "../../../../authentik/operations";
import { referenceDeployment } from "../../../../sandbox/outpost/reference";
import {
  compose,
  ownAdditions,
  ownPart,
  withoutOurs,
  withoutOursAnyway,
} from "../../../../podPatch/jsonPatch/jsonPatch";
import { podFragment } from "../../../../podPatch/podFragment";
import { outpostSettings } from "../../outposts";

const native = ownPart(podFragment(outpostSettings()));
const ourVolumes = ["dshm", "shm-cleanup-settings", "shm-cleanup-run", "shm-cleanup-scripts"];
/** Returns the operations of version 0.1 with `nativeSidecar: false`, as they stand in authentik. */
const formerly = (): JsonPatchOperation[] => {
  const [sidecar] = native.filter(({ path }) => path.endsWith("/initContainers/-")).map(({ value }) => value as object);
  const { restartPolicy: _always, ...ordinary } = sidecar as { restartPolicy: string };
  const { operations } = compose(
    [],
    native.filter(({ path }) => !path.endsWith("/initContainers/-")),
  );
  return [
    ...operations,
    { op: "move", from: `${spec}/containers/0`, path: "/shm-cleanup" },
    add("/containers", [ordinary]),
    { op: "move", from: "/shm-cleanup", path: `${spec}/containers/0` },
  ];
};

const spec = "/spec/template/spec";
/** An operation at a path within the pod spec. */
const on = (op: JsonPatchOperation["op"], path: string, value?: unknown): JsonPatchOperation => ({
  op,
  path: `${spec}${path}`,
  ...(value !== undefined && { value }),
});
const add = (path: string, value: unknown) => on("add", path, value);
const dshm = { name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "512Mi" } };
const dshmMount = { name: "dshm", mountPath: "/dev/shm" };
const pasted = { name: "shm-cleanup", image: "busybox", command: ["sh", "-c", "find"], volumeMounts: [dshmMount] };
const cert = { name: "cert", secret: { secretName: "cert", defaultMode: 420 } };
const cache = { name: "cache", emptyDir: {} };
const certMount = { name: "cert", mountPath: "/cert" };
const waiter = { name: "wait", image: "busybox:1.37" };
const proxyMounts = "/containers/0/volumeMounts";
const classic = [add("/volumes", [dshm]), add(proxyMounts, [dshmMount]), add("/containers/-", pasted)];
const memory = add("/containers/0/resources", { limits: { memory: "1Gi" } });
const pastedNames = ["volume dshm", "mount /dev/shm", "container shm-cleanup"];

interface Case {
  existing: JsonPatchOperation[];
  /** Operations of others, which are left when ours are taken out. Defaults to all that exist. */
  others?: JsonPatchOperation[];
  adopted?: string[];
  /** True if others' operations apply to the live object again without a change; default true. */
  idempotent?: boolean;
}

/** The classic patch, or one that does the same, of which nothing is left; with others' operations in it, these are. */
const classicOf = (existing: JsonPatchOperation[], others: JsonPatchOperation[] = []): Case => ({
  existing,
  others,
  adopted: pastedNames,
});
const certOnly = [add("/volumes", [cert]), add(proxyMounts, [certMount])];
const appended = [add("/volumes/-", cert), add(`${proxyMounts}/-`, certMount)];
const secretName = (at: number) => on("replace", `/volumes/${at}/secret/secretName`, "other");

const table: Record<string, Case> = {
  none: { existing: [] },
  "the classic patch": classicOf(classic),
  "the classic patch without a container": {
    existing: classic.slice(0, 2),
    others: [],
    adopted: pastedNames.slice(0, 2),
  },
  "the classic patch with another's operations around it": classicOf(
    [memory, ...classic, add("/hostNetwork", true)],
    [memory, add("/hostNetwork", true)],
  ),
  "the classic patch, its arrays shared with others": classicOf(
    [add("/volumes", [cert, dshm]), add(proxyMounts, [dshmMount, certMount]), add("/containers/-", pasted)],
    certOnly,
  ),
  "the classic patch by appending to another's arrays": classicOf(
    [...certOnly, add("/volumes/-", dshm), add(`${proxyMounts}/-`, dshmMount), add("/containers/-", pasted)],
    certOnly,
  ),
  "the classic patch, to whose array another appends": classicOf(
    [...classic, ...appended],
    [add("/volumes", []), add(proxyMounts, []), ...appended],
  ),
  "the classic patch with its container by index": classicOf([...classic.slice(0, 2), add("/containers/1", pasted)]),
  "the classic patch, its size corrected by a later operation": classicOf([
    ...classic,
    on("replace", "/volumes/0/emptyDir/sizeLimit", "1Gi"),
  ]),
  "the classic patch in front of another's volume that is changed by index": {
    existing: [add("/volumes", [dshm, cert]), secretName(1)],
    others: [add("/volumes", [cert]), secretName(0)],
    adopted: ["volume dshm"],
  },
  "a pasted init container": {
    existing: [...classic.slice(0, 2), add("/initContainers", [{ ...pasted, restartPolicy: "Always" }, waiter])],
    others: [add("/initContainers", [waiter])],
    adopted: ["volume dshm", "mount /dev/shm", "init container shm-cleanup"],
  },
  "another's sidecar by containers/-": { existing: [add("/containers/-", waiter)], idempotent: false },
  "replace of another field": { existing: [{ op: "replace", path: "/spec/replicas", value: 2 }] },
  "replace of the whole list of volumes": { existing: [add("/volumes", [cache]), on("replace", "/volumes", [cert])] },
  test: { existing: [on("test", "/containers/0/name", "proxy"), memory] },
  "remove of a field": { existing: [on("remove", "/securityContext")], idempotent: false },
  "remove of another's list of volumes": { existing: [add("/volumes", [cache]), on("remove", "/volumes")] },
  "copy of another's volume": {
    existing: [add("/volumes", [cert]), { op: "copy", from: `${spec}/volumes/0/secret`, path: `${spec}/volumes/0/x` }],
  },
  "a pod spec changed at a level above": {
    existing: [add("/containers/0/securityContext", { runAsUser: 1000 }), add("/nodeSelector", { disk: "ssd" })],
  },
  "a path with escapes": {
    existing: [
      { op: "add", path: "/metadata/annotations", value: { "a/b": "c" } },
      { op: "add", path: "/metadata/annotations/a~1b", value: "d" },
    ],
  },
};

type Spec = Record<"volumes" | "containers" | "initContainers", { name: string; volumeMounts?: { name: string }[] }[]>;

function apply<T>(object: T, operations: JsonPatchOperation[]): T {
  const copy = structuredClone(object);
  const errors = applyPatch(copy, structuredClone(operations) as Operation[]);
  const failed = errors.map((error, at) => error && `operation ${at + 1}: ${error.message}`).filter(Boolean);
  assert.deepEqual(failed, []);
  return copy;
}

const reference = referenceDeployment({ namespace: "authentik", name: "My Outpost" });
const specOf = (deployment: typeof reference) => deployment.spec!.template.spec as unknown as Spec;
const names = (list: { name: string }[] = []) => list.map(({ name }) => name);

describe("the JSON patch of an outpost with our part in it", () => {
  /** Asserts that the patch brings the sidecar once, and is at rest when it is composed again, and on the live Deployment. */
  function assertComposed(
    existing: JsonPatchOperation[],
    others = existing,
    adopted: string[] = [],
    idempotent = true,
  ) {
    const composed = compose(existing, native);
    const { operations } = composed;
    const live = apply(reference, operations);
    const { volumes, containers, initContainers } = specOf(live);
    for (const own of ourVolumes) assert.equal(names(volumes).filter((name) => name === own).length, 1, own);
    assert.equal(names(initContainers).filter((name) => name === "shm-cleanup").length, 1);
    assert.equal(containers[0].name, "proxy");
    assert.equal(names(containers[0].volumeMounts).filter((name) => name === "dshm").length, 1);
    assert.equal(names(containers).includes("shm-cleanup"), false);
    assert.deepEqual([withoutOurs(operations), composed.adopted], [others, adopted]);
    assert.deepEqual(compose(operations, native), { operations, adopted: [] });
    if (idempotent) assert.deepEqual(apply(live, operations), live);
  }

  for (const [name, { existing, others, adopted, idempotent }] of Object.entries(table)) {
    it(`brings the sidecar once, is at rest, and gives back what others had, where there is ${name}`, () =>
      assertComposed(existing, others, adopted, idempotent));
  }

  it("does so with any patch of others, whatever they add, replace and remove", () => {
    for (let seed = 1; seed <= 500; seed += 1) assertComposed(randomPatch(seed));
  });

  it("takes ours out from among others' elements, whatever they do with theirs by index", () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const { existing, others } = randomNeighbours(seed);
      assert.deepEqual(withoutOurs(existing), others, `seed ${seed}`);
    }
  });

  it("follows no pointer out of the document", () => {
    const escaping = on("add", "/volumes/0/__proto__/escaped", "everywhere");
    try {
      compose([...classic, escaping], native);
      assert.equal(Reflect.get({}, "escaped"), undefined);
    } finally {
      Reflect.deleteProperty(Object.prototype, "escaped");
    }
  });

  it("spells out what the API server would fill in", () => {
    const additions = ownAdditions(compose([], native).operations);
    const added = additions.map(({ path, value }) => `${path} ${(value as { name: string }).name}`);
    assert.deepEqual(added, [
      `${spec}/volumes/- dshm`,
      `${spec}/volumes/- shm-cleanup-settings`,
      `${spec}/volumes/- shm-cleanup-run`,
      `${spec}/volumes/- shm-cleanup-scripts`,
      `${spec}/containers/0/volumeMounts/- dshm`,
      `${spec}/initContainers/- shm-cleanup`,
    ]);
    assert.deepEqual(additions[1].value, {
      name: "shm-cleanup-settings",
      configMap: { defaultMode: 420, name: "ak-outpost-my-outpost-shm-cleanup", optional: true },
    });
    const sidecar = additions[5].value as Record<string, unknown>;
    assert.equal(sidecar.terminationMessagePath, "/dev/termination-log");
    assert.equal(sidecar.terminationMessagePolicy, "File");
    assert.equal(sidecar.imagePullPolicy, "IfNotPresent");
  });

  for (const [image, policy] of [
    ["registry:5000/busybox", "Always"],
    ["registry:5000/busybox:latest", "Always"],
    ["registry:5000/busybox:1.37", "IfNotPresent"],
    [`busybox@sha256:${"0".repeat(64)}`, "IfNotPresent"],
  ]) {
    it(`pulls ${image} as the API server would: ${policy}`, () => {
      const own = ownAdditions(
        compose([], ownPart(podFragment({ ...outpostSettings(), cleanerImage: image }))).operations,
      );
      assert.equal((own.at(-1)!.value as { imagePullPolicy: string }).imagePullPolicy, policy);
    });
  }

  it("leaves the patch as it is when others add to our lists in the Admin UI", () => {
    const edited = [memory, ...compose([], native).operations, add("/volumes/-", cert)];
    assert.deepEqual(compose(edited, native).operations, edited);
  });

  for (const [what, edit] of Object.entries<(operations: JsonPatchOperation[]) => unknown>({
    "its volume no longer in memory": ([volumes]) => ((volumes.value as (typeof dshm)[])[0].emptyDir = {} as never),
    "its mount elsewhere": ([, mounts]) => ((mounts.value as (typeof dshmMount)[])[0].mountPath = "/elsewhere"),
    "a later operation on its volume": (operations) =>
      operations.push(on("replace", "/volumes/0/emptyDir/sizeLimit", "1Mi")),
    "a later operation that takes a field out": (operations) =>
      operations.push(on("remove", "/initContainers/0/securityContext")),
  })) {
    it(`notices and mends an edit of ours, whatever it is: ${what}`, () => {
      const { operations } = compose([], native);
      const changed = structuredClone(operations);
      edit(changed);
      assert.notDeepEqual(ownAdditions(changed), ownAdditions(operations));
      assert.deepEqual(compose(changed, native).operations, operations);
      assert.deepEqual(withoutOurs(changed), []);
    });
  }

  it("joins a list that another's operation makes before ours", () => {
    const edited = [add("/volumes", [cert]), ...compose([], native).operations];
    const composed = compose(edited, native).operations;
    const { volumes } = specOf(apply(reference, composed));
    assert.deepEqual(names(volumes), ["cert", ...ourVolumes]);
    assert.deepEqual(withoutOurs(composed), [add("/volumes", [cert])]);
  });

  it("takes ours out of operations that can't be applied by others' fault, and leaves those", () => {
    const broken = [on("remove", "/hostAliases/7"), on("remove", "/volumes/9")];
    const joined = [add("/volumes", [cert, dshm]), add("/initContainers/-", waiter), ...native.slice(4)];
    assert.deepEqual(withoutOursAnyway([...broken, ...joined]), [
      ...broken,
      add("/volumes", [cert]),
      add("/initContainers/-", waiter),
    ]);
    const { operations } = compose([add("/volumes", [cert])], native);
    assert.deepEqual(withoutOursAnyway(operations), withoutOurs(operations));
  });

  it("comes back to force where another's operation writes the list anew after ours", () => {
    const edited = [...compose([], native).operations, add("/volumes", [cert])];
    const { volumes } = specOf(apply(reference, compose(edited, native).operations));
    assert.deepEqual(names(volumes), ["cert", ...ourVolumes]);
  });

  it("brings the scripts' volume to operations of a version that had none, in the order of our part", () => {
    const withoutScripts = native.filter(({ value }) => (value as { name: string }).name !== "shm-cleanup-scripts");
    const { operations } = compose(compose([], withoutScripts).operations, native);
    assert.deepEqual(ownAdditions(operations), native);
  });

  it("takes an ordinary container of version 0.1 out and puts a native sidecar in its place", () => {
    const former = formerly();
    assert.deepEqual(names(specOf(apply(reference, former)).containers), ["proxy", "shm-cleanup"]);
    const { operations } = compose(former, native);
    assert.deepEqual(ownAdditions(operations), native);
    assert.deepEqual(names(specOf(apply(reference, operations)).containers), ["proxy"]);
    assert.deepEqual(withoutOurs(former), []);
  });

  describe("refuses", () => {
    const refuses = (existing: unknown, message: string) =>
      assert.throws(() => compose(parseOperations(existing), native), { name: "JsonPatchError", message });
    const ops = "it must be one of add, remove, replace, move, copy, test";
    const noVolumes = `has no ${spec}/volumes and no operation before it adds one; correct it in authentik`;
    const oneThere = "names no element: the list has 1 there";
    const elsewhere = "that place is the sidecar's; take the operation out in authentik";
    const hostPath = { name: "dshm", hostPath: { path: "/dev/shm" } };
    const refused: Record<string, [existing: unknown[], at: number, message: string]> = {
      "an operation that is none": [["add"], 1, 'is "add"; it must be an object with op and path'],
      "an empty operation": [[null], 1, "is empty; it must be an object with op and path"],
      "an unknown op": [[memory, { op: "append", path: "/spec" }], 2, `has op "append"; ${ops}`],
      "a missing op": [[{ path: "/spec" }], 1, `has op missing; ${ops}`],
      "a path without slash": [[{ op: "remove", path: "spec" }], 1, 'has path "spec"; it must start with /'],
      "a move from nowhere": [[{ op: "move", path: "/spec" }], 1, "(move) has from missing; it must start with /"],
      "an add of nothing": [[{ op: "add", path: "/spec" }], 1, "(add /spec) has no value"],
      "an addition to a list that is not there": [
        [add("/volumes/-", cert)],
        1,
        `(add ${spec}/volumes/-) can't be applied: authentik's Deployment ${noVolumes}`,
      ],
      "a removal of a list that is not there": [
        [on("remove", "/volumes")],
        1,
        `(remove ${spec}/volumes) can't be applied: authentik's Deployment ${noVolumes}`,
      ],
      "an index beyond the list": [
        [add("/volumes", [cert]), on("remove", "/volumes/7")],
        2,
        `(remove ${spec}/volumes/7) ${oneThere}`,
      ],
      "a removal of the element after the last": [
        [add("/volumes", [cert]), on("remove", "/volumes/1")],
        2,
        `(remove ${spec}/volumes/1) ${oneThere}`,
      ],
      "a replacement of a container that is not there": [
        [on("replace", "/containers/1", waiter)],
        1,
        `(replace ${spec}/containers/1) ${oneThere}`,
      ],
      "another's volume of our name": [
        [add("/volumes", [hostPath])],
        1,
        `adds volume dshm, which is no emptyDir of medium Memory: ${elsewhere}`,
      ],
      "another's volume on /dev/shm": [
        [add("/volumes", [cache]), add(proxyMounts, [{ name: "cache", mountPath: "/dev/shm" }])],
        2,
        `adds a mount of volume cache on /dev/shm in container proxy: ${elsewhere}`,
      ],
      "another's use of our volume": [
        [add("/volumes", [dshm]), add(proxyMounts, [{ name: "dshm", mountPath: "/cache" }])],
        2,
        `adds a mount of volume dshm on /cache: ${elsewhere}`,
      ],
    };
    for (const [what, [existing, at, message]] of Object.entries(refused)) {
      it(what, () => refuses(existing, `operation ${at} of kubernetes_json_patches.deployment ${message}`));
    }

    it("a patch that is no list", () =>
      refuses({ op: "add" }, "kubernetes_json_patches.deployment is an object; it must be a list of operations"));
  });
});

/** Draws whole numbers below a limit. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed * 2654435761;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Makes a patch that inserts, replaces and removes others' volumes beside ours by index, and the same as it is without ours. */
function randomNeighbours(seed: number): { existing: JsonPatchOperation[]; others: JsonPatchOperation[] } {
  const below = randomNumbers(seed);
  const live = [dshm.name];
  const existing = [add("/volumes", [dshm])];
  const others = [add("/volumes", [])];
  for (let n = 0; n <= below(8); n += 1) {
    const value = { name: `other-${n}` };
    const op = (["add", "replace", "remove"] as const)[below(3)];
    const at = below(live.length + (op === "add" ? 1 : 0));
    if (op !== "add" && live[at] === dshm.name) continue;
    const theirs = live.slice(0, at).filter((name) => name !== dshm.name).length;
    for (const [operations, index] of [[existing, at] as const, [others, theirs] as const])
      operations.push(on(op, `/volumes/${index}`, op === "remove" ? undefined : value));
    live.splice(at, op === "add" ? 0 : 1, ...(op === "remove" ? [] : [value.name]));
  }
  return { existing, others: others.length > 1 ? others : [] };
}

/** Makes a valid patch of others: each list is made before something is added to it, and indexes are within it. */
function randomPatch(seed: number): JsonPatchOperation[] {
  const below = randomNumbers(seed);
  const operations: JsonPatchOperation[] = [];
  const lengths: Record<string, number | undefined> = {};
  for (let count = below(8); count > 0; count -= 1) {
    const list = ["/volumes", proxyMounts, "/initContainers"][below(3)];
    const length = lengths[list];
    const value = { name: `other-${operations.length}`, mountPath: `/other-${operations.length}` };
    const choice = length === undefined ? 0 : below(5);
    if (choice === 0) operations.push(add(list, [value]));
    else if (choice === 1) operations.push(add(`${list}/-`, value));
    else if (choice === 2) operations.push(add(`${list}/${below(length! + 1)}`, value));
    else if (choice === 3 && length! > 0) operations.push(on("remove", `${list}/${below(length!)}`));
    else if (choice === 4 && length! > 0) operations.push(on("replace", `${list}/${below(length!)}`, value));
    else continue;
    lengths[list] = choice === 0 ? 1 : length! + [0, 1, 1, -1, 0][choice];
  }
  return operations;
}
