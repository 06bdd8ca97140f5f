// A newcomer whose outpost answers HTTP 400 types the README's first section as it stands there, from the alert to the cure.
import assert from "node:assert/strict";
import { answers, visit } from "../../../sandbox/node/visits";
import { openDesk, type Desk } from "../desk";
import { documented } from "../documented";
import { onTerminal } from "../terminal";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const outpost = "My Outpost";
const status = "npx --no-install outpost-shm status -n authentik";
const cleanup = "npx --no-install outpost-shm cleanup -n authentik --anonymous";
const verify = "npx --no-install outpost-shm verify --stack my-cluster --wait 2m";
/** More visits than 64 MiB have pages. */
const flood = { rate: 1500, seconds: 13 };
const logins = 100;

describe("a newcomer with a full /dev/shm", function () {
  this.timeout(180_000);
  let scenario: Scenario;
  let desk: Desk;
  /** Commands that are still to be typed. */
  const commands = documented("README.md", "It is 3 a.m. and /dev/shm is full").flat();

  before(async () => {
    assert.match(commands.shift()!, /^git clone /);
    scenario = await openScenario({ name: "newcomer", namespace: "authentik", outposts: [{ name: outpost }] });
    const { kubeconfig } = scenario.stage.cluster;
    desk = await openDesk({ name: "newcomer", kubeconfig, context: "my-cluster", isCurrent: true });
  });
  after(async () => {
    await closeScenario(scenario);
  });

  /** Types the next command, which has to be `expected`, in this form of it. */
  const type = async (expected: string, form = expected): Promise<string> => {
    assert.equal(commands.shift(), expected);
    return (await desk.succeed(form)).stdout;
  };

  it("has visitors who get HTTP 400", async () => {
    const { "400": refused, ...others } = answers(
      await visit(scenario, await scenario.pod(outpost), { logins, ...flood }),
    );
    assert.deepEqual([refused > 0, Object.keys(others)], [true, ["302"]]);
  });

  it("sees by status that /dev/shm is full, and that nothing sweeps it", async () => {
    assert.match(await type(status), /^ak-outpost-my-outpost-\S+ {2,}none {2,}64Mi {2,}64Mi {2,}100% /m);
  });

  it("has room at once by cleanup, which logs nobody out", async () => {
    const pod = await scenario.pod(outpost);
    const settle = "test $(($(date +%s) - $(stat -c %Y /dev/shm/session_* | sort -n | tail -n 1))) -gt 5";
    await scenario.until(
      "the flood's last visitor to be of an age that a cleanup may end",
      async () =>
        (await scenario.tryKubectl("exec", pod, "--container=proxy", "--", "sh", "-c", settle)).status === 0 ||
        undefined,
    );
    const said = await type(cleanup, onTerminal(cleanup));
    assert.match(said, /: Visitors' sessions older than 5s go: \d+ in 1 pod, nobody is logged out\. Go on\? \[y\/N\] /);
    assert.match(said, /^\d+ files of 1 pod removed, 6\S+Mi freed\.\r$/m);
    const next = await visit(scenario, await scenario.pod(outpost), { known: true, rate: 10, seconds: 1 });
    assert.deepEqual([answers(next), next.ending], [{ "302": 10 }, { logins, alive: logins }]);
  });

  it("cures it for good by the ordinary CLI", async () => {
    while (commands[0] !== "pulumi up") await type(commands[0]);
    assert.match(
      await type("pulumi up", "pulumi up --yes --color never --suppress-progress"),
      /\nResources:\n {4}\+ 7 created\n/,
    );
  });

  it("sees that the cure took", async () => {
    assert.match(await type(verify), /\n\nAll 6 checks passed\.\n$/);
    assert.deepEqual(commands, []);
  });

  it("has no visitor refused by the same flood", async () => {
    const same = await visit(scenario, await scenario.pod(outpost), { logins, ...flood });
    assert.deepEqual(Object.keys(answers(same)), ["302"]);
    assert.deepEqual(same.ending, { logins, alive: logins });
  });
});
