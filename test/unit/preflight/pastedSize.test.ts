// A volume that somebody pasted with a size of their own, before it becomes ours.
import assert from "node:assert/strict";
import type { JsonPatchOperation } from "../../../authentik/operations";
import type { Deployment } from "../../../kubernetes/types";
import { inspectPastedSize } from "../../../preflight/pastedSize";
import { compose, ownPart } from "../../../podPatch/jsonPatch/jsonPatch";
import { podFragment } from "../../../podPatch/podFragment";
import { managed, ofVolume, podSpecFields } from "../managedFields";
import { outpostSettings } from "../outposts";
import { liveDeployment } from "./scene";

const name = "ak-outpost-my-outpost";
const volume = (sizeLimit?: string) => ({
  name: "dshm",
  emptyDir: { medium: "Memory", ...(sizeLimit && { sizeLimit }) },
});
const pasted = (sizeLimit?: string): JsonPatchOperation[] => [
  { op: "add", path: "/spec/template/spec/volumes", value: [volume(sizeLimit)] },
];

/** Returns a Deployment whose volume of that size has this owner. */
function live(sizeLimit: string, owner: string): Deployment {
  const made = liveDeployment(name);
  made.spec!.template.spec!.volumes = [volume(sizeLimit)];
  made.metadata!.managedFields!.push(managed(owner, podSpecFields(ofVolume)));
  return made;
}
const ours = compose([], ownPart(podFragment(outpostSettings({ shmSize: "2Gi" })))).operations;
const beside = live("2Gi", "goauthentik.io");
beside.spec!.template.spec!.initContainers = [{ name: "shm-cleanup", env: [{ name: "SETTINGS_FILE", value: "x" }] }];

const problem = (place: string, size: string, keep: string): string =>
  `outpost "My Outpost": ${place} has a pasted volume dshm of ${size}, and without \`shmSize\` in the settings /dev/shm becomes one of 256Mi. ` +
  `Say which it is to be: ${keep}\`shmSize: 256Mi\`.`;
const keeping = (size: string) => `\`shmSize: ${size}\` to keep it, or `;

describe("inspection of a pasted volume's size", () => {
  const cases: Record<string, [Deployment | undefined, JsonPatchOperation[], string | undefined]> = {
    "another in the JSON patch": [
      undefined,
      pasted("2Gi"),
      problem("its JSON patch in authentik", "2Gi", keeping("2Gi")),
    ],
    "another on the Deployment": [
      live("2Gi", "goauthentik.io"),
      [],
      problem(`Deployment ${name}`, "2Gi", keeping("2Gi")),
    ],
    "another, by hand": [live("512Mi", "kubectl-edit"), [], problem(`Deployment ${name}`, "512Mi", keeping("512Mi"))],
    "another, written otherwise": [
      undefined,
      pasted("2048Mi"),
      problem("its JSON patch in authentik", "2048Mi", keeping("2Gi")),
    ],
    "one that no setting can have": [undefined, pasted("32Gi"), problem("its JSON patch in authentik", "32Gi", "")],
    "the same": [live("256Mi", "goauthentik.io"), pasted("0.25Gi"), undefined],
    none: [undefined, pasted(), undefined],
    "a stack's own": [live("2Gi", "authentik-outpost-shm-prod"), [], undefined],
    "ours through authentik": [live("2Gi", "goauthentik.io"), ours, undefined],
    "ours beside our sidecar, where authentik is not asked": [beside, [], undefined],
  };
  for (const [what, [deployment, operations, expected]] of Object.entries(cases)) {
    const isOurs = expected === undefined && operations === ours;
    it(`${expected ? "stops at" : "goes on with"} ${what}`, () => {
      const settings = outpostSettings();
      const { problems } = inspectPastedSize(settings, isOurs ? undefined : deployment, operations);
      assert.deepEqual(problems, expected ? [expected] : []);
      const given = outpostSettings({ shmSize: "256Mi" });
      assert.deepEqual(inspectPastedSize(given, deployment, operations).problems, []);
    });
  }
});
