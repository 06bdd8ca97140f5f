// The question to authentik before a Deployment is deleted, answered by the stand-in of its API.
import assert from "node:assert/strict";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { askAuthentik } from "../../../../cli/recreate/authentiksAnswer";
import { startAuthentik, type AuthentikStandIn, type NewOutpost } from "../../../../sandbox/authentik";
import { referenceDeployment } from "../../../../sandbox/outpost/reference";

const namespace = "authentik";
const there = { namespace, pods: [{ metadata: { name: "authentik-worker-0" } }] };
const unseen = { namespace, pods: [] };

describe("authentik's answer to recreate", () => {
  let authentik: AuthentikStandIn;
  beforeEach(async () => (authentik = await startAuthentik({ namespace })));
  afterEach(() => authentik.stop());

  const access = () => ({ url: authentik.url.replace(/\/$/, ""), token: authentik.token });
  const ask = (live: V1Deployment, pods = there) => askAuthentik({ authentikAccess: access() }, live, pods);

  /** Returns the answer for the Deployment that authentik once made for this outpost, as `ak-outpost-my-outpost`. */
  async function answer(now: NewOutpost, pods = there) {
    const { pk } = await authentik.addOutpost({ name: "My Outpost", ...now });
    const live = referenceDeployment({ namespace, name: "My Outpost" });
    live.metadata!.labels!["goauthentik.io/outpost-uuid"] = pk.replaceAll("-", "");
    return ask(live, pods);
  }

  const back = "nobody would bring Deployment authentik/ak-outpost-my-outpost back";

  const noNamespace = { config: { kubernetes_namespace: undefined } as unknown as NewOutpost["config"] };
  const template = (object_naming_template: string) => ({ name: "Outpost", config: { object_naming_template } });
  const accepted: Record<string, NewOutpost> = {
    "what it deploys": {},
    "a name of the same slug": { name: "my_outpost" },
    "a naming template with the name": template("ak-outpost-my-%(name)s"),
    "a naming template in capitals": template("AK-%(name)s-my-outpost"),
    "one whose config names no namespace, beside authentik": noNamespace,
  };
  for (const [what, now] of Object.entries(accepted))
    it(`is yes for ${what}`, async () => assert.equal(await answer(now), undefined));

  it("is yes for a naming template with the id", async () => {
    const { pk } = await authentik.addOutpost({ name: "By id", config: { object_naming_template: "ak-%(uuid)s" } });
    const live = referenceDeployment({ namespace, name: "By id" });
    live.metadata!.name = `ak-${pk.replaceAll("-", "")}`;
    live.metadata!.labels!["goauthentik.io/outpost-uuid"] = pk.replaceAll("-", "");
    assert.equal(await ask(live), undefined);
  });

  const refused: Record<string, [now: NewOutpost, why: string, pods?: typeof there]> = {
    "the embedded outpost": [{ embedded: true }, "is authentik's embedded outpost, which has no Deployment any more"],
    "an outpost of another type": [{ type: "ldap" }, "is of type ldap, and the Deployment that of a proxy"],
    "one without an integration": [{ serviceConnection: null }, "has no integration, so authentik does not deploy it"],
    "one on Docker": [
      { serviceConnection: "docker" },
      'has the integration "Local Docker connection", which is not a Kubernetes one',
    ],
    "one whose Deployment is left to others": [
      { config: { kubernetes_disabled_components: ["ingress", "deployment"] } },
      "has `deployment` among the kubernetes_disabled_components of its config",
    ],
    "one that moved to another namespace": [
      { config: { kubernetes_namespace: "sso" } },
      "is deployed to namespace sso by now",
    ],
    "one of another naming template": [
      { config: { object_naming_template: "%(name)s" } },
      "is deployed as my-outpost by now (its name, by the object_naming_template %(name)s)",
    ],
    "one that was renamed": [
      { name: "Renamed" },
      "is deployed as ak-outpost-renamed by now (its name, by the object_naming_template ak-outpost-%(name)s)",
    ],
    "one whose config names no namespace, where authentik is not seen": [
      noNamespace,
      "has no kubernetes_namespace in its config, so it belongs where authentik is, and no pods of authentik were found (--authentik-namespace names its namespace)",
      unseen,
    ],
  };
  for (const [what, [now, why, pods]] of Object.entries(refused)) {
    const { name = "My Outpost" } = now;
    it(`is no for ${what}`, () => assert.rejects(answer(now, pods), { message: `outpost "${name}" ${why}: ${back}` }));
  }

  it("is no for an outpost that is gone", async () => {
    const live = referenceDeployment({ namespace, name: "My Outpost" });
    live.metadata!.labels!["goauthentik.io/outpost-uuid"] = "00000000000040008000000000000000";
    await assert.rejects(ask(live), {
      message: `authentik has no outpost of the id 00000000000040008000000000000000, or none that the token's user may view: ${back}`,
    });
  });

  it("doubts an integration with a kubeconfig of its own", async () => {
    assert.equal(
      await answer({ serviceConnection: "remote" }),
      'authentik deploys it by the integration "Other Kubernetes Cluster", which has a kubeconfig of its own: make sure that it is for this cluster',
    );
  });

  const unknown = "whether authentik would bring Deployment authentik/ak-outpost-my-outpost back is not known: ";

  it("is not known where the token may not view outposts", async () => {
    authentik.misbehave({ status: 403 });
    await assert.rejects(answer({}), ({ message }: Error) =>
      message.startsWith(`${unknown}authentik lets the token's user not view outposts, HTTP 403`),
    );
  });

  it("is not known where authentik can't be reached", async function () {
    this.timeout(15_000);
    const live = referenceDeployment({ namespace, name: "My Outpost" });
    const authentikAccess = { url: "http://127.0.0.1:9", token: "t" };
    await assert.rejects(askAuthentik({ authentikAccess }, live, there, true), ({ message }: Error) =>
      message.startsWith(`${unknown}authentik can't be reached at http://127.0.0.1:9: `),
    );
  });
});
