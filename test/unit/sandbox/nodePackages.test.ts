import assert from "node:assert/strict";
import { ensureNodePackages } from "../../../sandbox/node/packages";
import { silentProgress } from "../../../sandbox/progress";

describe("a node that runs pods", () => {
  const { getuid, platform } = process;
  afterEach(() => {
    process.getuid = getuid;
    Object.defineProperty(process, "platform", { value: platform });
  });

  const whatItTakes =
    "A node that runs pods takes Linux, root, and Debian or Ubuntu (or their packages containerd, runc, containernetworking-plugins, " +
    "busybox-static, iptables, iproute2, util-linux, openssl). The other tiers and a plain `npm start` take none of it.";

  for (const [problem, system, user] of [
    ["This does not run as root", "linux", 1000],
    ["This is darwin, not Linux", "darwin", 0],
  ] as const) {
    it(`says what it takes: ${problem}`, () => {
      Object.defineProperty(process, "platform", { value: system });
      process.getuid = () => user;
      assert.throws(() => ensureNodePackages(silentProgress), { message: `${problem}. ${whatItTakes}` });
    });
  }
});
