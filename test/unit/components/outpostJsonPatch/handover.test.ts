import assert from "node:assert/strict";
import { claimed, handedOver, released } from "../../../../components/outpostJsonPatch/handover";
import { managed, podSpecFields as podSpec } from "../../managedFields";

const authentik = "goauthentik.io";
const ours = "authentik-outpost-shm-prod";
const entry = (manager: string, operation: string, fieldsV1: object, subresource?: string) =>
  managed(manager, fieldsV1, subresource, operation);
const proxy = 'k:{"name":"proxy"}';
const shm = 'k:{"mountPath":"/dev/shm"}';
const dshm = 'k:{"name":"dshm"}';
const sidecar = 'k:{"name":"shm-cleanup"}';

const reference = podSpec({ "f:containers": { [proxy]: { ".": {}, "f:image": {} } } });
const applied = podSpec({
  "f:containers": { [proxy]: { ".": {}, "f:name": {}, "f:volumeMounts": { [shm]: { "f:name": {} } } } },
  "f:initContainers": { [sidecar]: { ".": {}, "f:image": {} } },
  "f:volumes": { [dshm]: { "f:emptyDir": { "f:medium": {} } } },
});
const annotations = { "f:metadata": { "f:annotations": { "f:pulumi.com/patchForce": {} } } };

describe("who owns the sidecar's fields", () => {
  it("hands over the sidecar, not what else the manager has, and leaves subresources alone", () => {
    const status = entry(ours, "Update", applied, "status");
    const managed = [
      entry(authentik, "Update", reference),
      entry(ours, "Apply", { ...annotations, ...applied }),
      status,
    ];
    assert.deepEqual(handedOver(managed, ours), [
      entry(
        authentik,
        "Update",
        podSpec({
          "f:containers": { [proxy]: { ".": {}, "f:image": {}, "f:volumeMounts": { [shm]: { "f:name": {} } } } },
          "f:initContainers": { [sidecar]: { ".": {}, "f:image": {} } },
          "f:volumes": { [dshm]: { "f:emptyDir": { "f:medium": {} } } },
        }),
      ),
      entry(ours, "Apply", {
        ...annotations,
        ...podSpec({ "f:containers": { [proxy]: { ".": {}, "f:name": {} } } }),
      }),
      status,
    ]);
  });

  it("hands over nothing where there is nothing", () => {
    const managed = [entry(authentik, "Update", reference), entry(ours, "Apply", annotations)];
    assert.equal(handedOver(managed, ours), managed);
  });

  it("claims the sidecar as if it had been applied, beside what the manager has applied before", () => {
    const theirs = podSpec({
      "f:containers": { [proxy]: { ".": {}, "f:image": {}, "f:volumeMounts": { [shm]: {} } } },
      "f:volumes": { [dshm]: {} },
    });
    const given = podSpec({
      "f:containers": { [proxy]: { "f:volumeMounts": { [shm]: {} } } },
      "f:volumes": { [dshm]: {} },
    });
    const rest = entry(authentik, "Update", reference);
    assert.deepEqual(claimed([entry(authentik, "Update", theirs)], ours), [rest, entry(ours, "Apply", given)]);
    assert.deepEqual(claimed([entry(ours, "Apply", annotations), entry(authentik, "Update", theirs)], ours), [
      rest,
      entry(ours, "Apply", { ...annotations, ...given }),
    ]);
  });

  it("claims nothing where there is nothing", () => {
    const managed = [entry(authentik, "Update", reference)];
    assert.equal(claimed(managed, ours), managed);
  });

  it("releases the sidecar and the lists that held nothing else, and keeps others' elements of them", () => {
    const cert = 'k:{"name":"cert"}';
    const both = podSpec({
      "f:containers": { [proxy]: { ".": {}, "f:image": {}, "f:volumeMounts": { ".": {}, [shm]: {} } } },
      "f:initContainers": { ".": {}, [sidecar]: { ".": {} } },
      "f:volumes": { ".": {}, [dshm]: {}, [cert]: {} },
    });
    assert.deepEqual(released([entry(authentik, "Update", both), entry(ours, "Apply", applied)]), [
      entry(
        authentik,
        "Update",
        podSpec({
          "f:containers": { [proxy]: { ".": {}, "f:image": {} } },
          "f:volumes": { ".": {}, [cert]: {} },
        }),
      ),
      entry(ours, "Apply", applied),
    ]);
  });
});
