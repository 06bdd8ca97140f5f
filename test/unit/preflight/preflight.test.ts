import assert from "node:assert/strict";
import type { Deployment } from "../../../kubernetes/types";
import { preflight } from "../../../preflight/preflight";
import { resolveSettings } from "../../../settings/resolve";
import { clusterWith, liveDeployment } from "./scene";

interface World {
  live?: Deployment[];
  /** An Error leaves the cluster out of reach. */
  version?: string | Error;
  refused?: Error;
  isPreview?: boolean;
}

function look(raw: Record<string, unknown>, world: World) {
  const { live = [], version = "v1.37.2", refused, isPreview = true } = world;
  const cluster = clusterWith(live, {
    ...(refused && { deployment: refused, deployments: refused }),
    refusal: undefined,
    support: "unserved",
    version,
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
    const { settings, ...found } = await look({}, { live });
    assert.deepEqual(
      settings.outposts.map(({ deployment }) => deployment),
      ["ak-outpost-one", "ak-outpost-two"],
    );
    assert.deepEqual(found, {
      warnings: [],
      restarts: [],
      underWay: ["ak-outpost-two"],
      podSelectors: {},
      handovers: [],
      execPolicy: false,
    });
  });

  it("shows nothing that a terminal would obey, whoever it quotes", async () => {
    await assert.rejects(look({}, { refused: new Error('authentik has no outpost "one"; it has: "\u001b[2Jtwo"') }), {
      message:
        "Nothing was changed. The cluster is not as the settings need it:\n" +
        '  - authentik has no outpost "one"; it has: "?[2Jtwo"',
    });
  });

  it("ends with one error that has all problems", async () => {
    const error = await look({ monitoring: true }, { version: "v1.28.15" }).catch((error: Error) => error);
    assert.ok(error instanceof Error);
    assert.deepEqual(
      error.message.split("\n").map((line) => line.split(";")[0]),
      [
        "Nothing was changed. The cluster is not as the settings need it:",
        "  - this cluster runs Kubernetes v1.28.15, and sidecars as this program uses them exist from 1.29 on. " +
          "Set `solution` to cronjob, which works on any version.",
        '  - outpost "one": there is no Deployment ak-outpost-one in namespace authentik',
        '  - outpost "two": there is no Deployment ak-outpost-two in namespace authentik',
        "  - monitoring: this cluster has no PodMonitor: the CustomResourceDefinition podmonitors.monitoring.coreos.com is missing. " +
          "Install the Prometheus operator, or set podMonitor to false.",
        "  - monitoring: this cluster has no PrometheusRule: the CustomResourceDefinition prometheusrules.monitoring.coreos.com is missing. " +
          "Install the Prometheus operator, or set alerts to false.",
      ],
    );
  });

  it("takes any version of Kubernetes for a CronJob alone, and 1.29 for a sidecar", async () => {
    await look({ solution: "cronjob" }, { version: "v1.19.3", live: both() });
    await look({}, { version: "v1.29.0-eks-a5df82a", live: both() });
  });

  it("fails the same way if it can't look", async () => {
    await assert.rejects(look({}, { refused: new Error("No answer from the Kubernetes API") }), {
      name: "PreflightError",
      message:
        "Nothing was changed. The cluster is not as the settings need it:\n  - No answer from the Kubernetes API",
    });
  });

  describe("of a cluster out of reach", () => {
    const version = new Error("There is no kubeconfig: set KUBECONFIG, or the stack's kubernetes:kubeconfig.");
    const refusal = {
      name: "PreflightError",
      message: `Nothing was changed. The cluster is not as the settings need it:\n  - ${version.message}`,
    };
    const optional = { preflight: "optional" };

    it("fails a preview, unless it is optional there", async () => {
      await assert.rejects(look({}, { version }), refusal);
      await assert.rejects(look({ preflight: "required" }, { version }), refusal);
    });

    it("fails every update", async () => {
      await assert.rejects(look(optional, { version, isPreview: false }), refusal);
    });

    it("is one warning of an optional preview, which knows nothing but the settings", async () => {
      const { settings, ...found } = await look({ ...optional, solution: "both" }, { version });
      assert.deepEqual(
        settings.outposts.map(({ deployment }) => deployment),
        ["ak-outpost-one", "ak-outpost-two"],
      );
      assert.deepEqual(found, {
        warnings: [
          "this preview has not seen the cluster (`preflight` is optional): it can't know which pods restart, or whether the update will be refused. " +
            "Not looked at: the Deployments and who owns their /dev/shm, the pods' memory limits and users, what the cluster supports. " +
            "The reason: There is no kubeconfig: set KUBECONFIG, or the stack's kubernetes:kubeconfig. " +
            "The update looks first, and changes nothing if it can't.",
        ],
        restarts: [],
        underWay: [],
        podSelectors: {},
        handovers: [],
        execPolicy: true,
      });
    });

    it("does not look at authentik either, and says so", async () => {
      const authentik = { delivery: "authentik", authentikUrl: "https://auth.example.com", authentikToken: "t" };
      const { warnings } = await look({ ...optional, ...authentik }, { version });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0], /what the cluster supports, the outposts in authentik\. The reason: /);
    });

    it("is none of an account without rights: that is an error in an optional preview too", async () => {
      await assert.rejects(look(optional, { refused: new Error("deployments.apps is forbidden") }), {
        message: "Nothing was changed. The cluster is not as the settings need it:\n  - deployments.apps is forbidden",
      });
    });
  });
});
