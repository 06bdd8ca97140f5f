// The move away from a pasted patch by docs/delivery.md's own commands, with the ordinary `pulumi` CLI. Its loader compiles the
// program, so the dynamic provider is serialised from another compiler's output than in the other tests.
import assert from "node:assert/strict";
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";
import { editOperations, pastedPatch, writesAtRest } from "../../../sandbox/authentik/adminUi";
import { untilAvailable } from "../../../sandbox/outpost";
import { sharedCluster } from "../cluster/fixture";
import { openDesk, type Desk } from "../desk";
import { documented } from "../documented";

const namespace = "authentik";
const podSpec = "/spec/template/spec";
const memory = { op: "add", path: `${podSpec}/containers/0/resources`, value: { limits: { memory: "1Gi" } } };
describe("delivery through authentik by the pulumi CLI", () => {
  let desk: Desk;
  let authentik: AuthentikStandIn;

  before(async () => {
    const { kubeconfig } = await sharedCluster();
    authentik = await startAuthentik({ kubeconfig, namespace });
    await authentik.addOutpost({ name: "My Outpost" });
    await editOperations(authentik, "My Outpost", () => [memory, ...pastedPatch()]);
    await untilAvailable(kubeconfig, { namespace, name: "My Outpost" });
    desk = await openDesk({ name: "authentik-cli", kubeconfig, context: "my-cluster" });
    await desk.succeed("pulumi stack init my-cluster && pulumi config set kubernetes:context my-cluster");
    await desk.succeed(
      `pulumi config set namespace ${namespace} && pulumi config set --path 'outposts[0]' 'My Outpost'`,
    );
  });
  after(async () => {
    await authentik?.stop();
  });

  const operations = () => authentik.outpost("My Outpost").config.kubernetes_json_patches?.deployment ?? [];

  it("has access by the docs' commands", async () => {
    const [[setUrl, setToken]] = documented("docs/delivery.md", "Access to authentik");
    await desk.succeed(setUrl.replace("https://auth.example.com", authentik.url.replace(/\/$/, "")));
    await desk.succeed(`printf %s ${authentik.token} | ${setToken}`);
  });

  it("takes the pasted patch over by the docs' two commands", async () => {
    const [[choose, up]] = documented("docs/delivery.md", "From a patch pasted by hand");
    await desk.succeed(choose);
    const { stdout, stderr } = await desk.succeed(`${up} --yes --color never --suppress-progress --skip-preview`);
    assert.match(stdout, /\nResources:\n {4}\+ 7 created\n/);
    assert.ok(!`${stdout}${stderr}`.includes(authentik.token));
    assert.deepEqual(operations()[0], memory);
    assert.deepEqual(
      operations().map(({ path }) => path),
      [memory.path, `${podSpec}/volumes`, `${podSpec}/containers/0/volumeMounts`, `${podSpec}/initContainers`],
    );
    assert.equal(await writesAtRest(authentik), 0);
    assert.equal(authentik.writes.recreated, 0);
  });

  it("leaves what others had after a destroy", async () => {
    await desk.succeed("pulumi destroy --yes --color never --suppress-progress");
    assert.deepEqual(operations(), [memory]);
  });
});
