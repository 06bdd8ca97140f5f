import assert from "node:assert/strict";
import { ensureNodePackages } from "../../../sandbox/node/packages";
import { silentProgress } from "../../../sandbox/progress";

describe("a node that runs pods", () => {
  const { getuid } = process;
  const { platform } = process;
  afterEach(() => {
    process.getuid = getuid;
    Object.defineProperty(process, "platform", { value: platform });
  });

  const whatItTakes =
    "A node that runs pods takes Linux, root, and Debian or Ubuntu (or their packages containerd, runc, containernetworking-plugins, " +
    "busybox-static, iptables, iproute2, util-linux, openssl). The other tiers and a plain `npm start` take none of it.";

  it("says what it takes where it does not run as root", () => {
    Object.defineProperty(process, "platform", { value: "linux" });
    process.getuid = () => 1000;
    assert.throws(() => ensureNodePackages(silentProgress), { message: `This does not run as root. ${whatItTakes}` });
  });

  it("says what it takes where this is not Linux", () => {
    Object.defineProperty(process, "platform", { value: "darwin" });
    assert.throws(() => ensureNodePackages(silentProgress), { message: `This is darwin, not Linux. ${whatItTakes}` });
  });
});
