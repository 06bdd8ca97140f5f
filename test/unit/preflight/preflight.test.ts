import assert from "node:assert/strict";
import type { Deployment } from "../../../kubernetes/types";
import { preflight } from "../../../preflight/preflight";
import { resolveSettings } from "../../../settings/resolve";
import { clusterWith, liveDeployment } from "./scene";

interface World {
  live?: Deployment[];
  version?: string;
  refused?: Error;
  /** No answer from the cluster. */
  silence?: Error;
  isPreview?: boolean;
}

function look(raw: Record<string, unknown>, world: World) {
  const { live = [], version = "v1.37.2", refused, silence, isPreview = true } = world;
  const cluster = clusterWith(live, {
    ...(refused && { deployment: refused, deployments: refused }),
    refusal: undefined,
    support: "unserved",
    version: silence ?? version,
  });
  const given = { namespace: "authentik", outposts: ["one", "two"], ...raw };
  const settings = resolveSettings(given, new Set(["authentikToken"]));
  return preflight(settings, { cluster, fieldManager: "authentik-outpost-shm-test", isPreview });
}

const both = () => ["ak-outpost-one", "ak-outpost-two"].map((name) => liveDeployment(name));

describe("the preflight", () => {
  it("tells the program what the cluster is like", async () => {
    const [one, two] = both();
    const live = [one, { ...two, status: { ...two.status, availableReplicas: 0 } }];
    assert.deepEqual(await look({}, { live }), {
      warnings: [],
      restarts: [],
      underWay: ["ak-outpost-two"],
      podSelectors: {},
      handovers: [],
      execPolicy: false,
    });
  });

  it("ends with one error that has all problems", async () => {
    const error = await look({ monitoring: true }, { version: "v1.28.15" }).catch((error: Error) => error);
    assert.ok(error instanceof Error);
    const lines = error.message.split("\n").map((line) => line.split(";")[0]);
    assert.deepEqual(lines, [
      "Nothing was changed. The cluster is not as the settings need it:",
      "  - this cluster runs Kubernetes v1.28.15, and sidecars as this program uses them exist from 1.29 on. " +
        "Set `solution` to cronjob, which works on any version.",
      '  - outpost "one": there is no Deployment ak-outpost-one in namespace authentik',
      '  - outpost "two": there is no Deployment ak-outpost-two in namespace authentik',
      "  - monitoring: this cluster has no PodMonitor: the CustomResourceDefinition podmonitors.monitoring.coreos.com is missing. " +
        "Install the Prometheus operator, or set podMonitor to false.",
      "  - monitoring: this cluster has no PrometheusRule: the CustomResourceDefinition prometheusrules.monitoring.coreos.com is missing. " +
        "Install the Prometheus operator, or set alerts to false.",
    ]);
  });

  it("takes any version of Kubernetes for a CronJob alone, and 1.29 for a sidecar", async () => {
    await look({ solution: "cronjob" }, { version: "v1.19.3", live: both() });
    await look({}, { version: "v1.29.0-eks-a5df82a", live: both() });
  });

  const refusals: Record<string, [refused: string, said?: string]> = {
    "if it can't look": ["No answer from the Kubernetes API"],
    "without anything that a terminal would obey, whoever it quotes": ["one; \u001b[2Jtwo", "one; ?[2Jtwo"],
    "for an account without rights, which is no cluster out of reach": ["deployments.apps is forbidden"],
  };
  for (const [what, [refused, said = refused]] of Object.entries(refusals)) {
    it(`fails the same way ${what}, in an optional preview too`, async () => {
      await assert.rejects(look({ preflight: "optional" }, { refused: new Error(refused) }), {
        name: "PreflightError",
        message: `Nothing was changed. The cluster is not as the settings need it:\n  - ${said}`,
      });
    });
  }

  describe("of a cluster out of reach", () => {
    const silence = new Error("No answer from the Kubernetes API at https://127.0.0.1:9");

    const notOptional: Record<string, [raw: object, isPreview: boolean]> = {
      "a preview": [{}, true],
      "an update, also where previews are optional": [{ preflight: "optional" }, false],
    };
    for (const [what, [raw, isPreview]] of Object.entries(notOptional)) {
      it(`fails ${what}`, () =>
        assert.rejects(look({ ...raw }, { silence, isPreview }), {
          name: "PreflightError",
          message: `Nothing was changed. The cluster is not as the settings need it:\n  - ${silence.message}`,
        }));
    }

    it("leaves an optional preview one warning of what it does not know", async () => {
      const access = { authentikUrl: "https://auth.example.com", authentikToken: "token" };
      for (const [raw, andAuthentik] of [
        [{}, ""],
        [access, ", the outposts in authentik"],
      ] as const) {
        const { warnings } = await look({ preflight: "optional", ...raw }, { silence });
        assert.deepEqual(warnings, [
          "this preview has not seen the cluster (`preflight` is optional): it can't know which pods restart, or whether the update will be refused. " +
            `Not looked at: the Deployments and who owns their /dev/shm, the pods' memory limits and users, what the cluster supports${andAuthentik}. ` +
            `The reason: ${silence.message}. The update looks first, and changes nothing if it can't.`,
        ]);
      }
    });
  });
});
