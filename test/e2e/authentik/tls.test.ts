import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";
import { sharedCluster } from "../cluster/fixture";

describe("authentik's API over TLS", () => {
  let authentik: AuthentikStandIn;
  let cert: string;

  before(async () => {
    // The API server's own certificate will do: it is for 127.0.0.1, and nobody here trusts its issuer.
    const { dir } = await sharedCluster();
    const pem = (name: string) => readFileSync(join(dir, "state", "credentials", name), "utf8");
    cert = pem("apiserver.crt");
    authentik = await startAuthentik({ namespace: "auth", tls: { cert, key: pem("apiserver.key") } });
  });
  after(() => authentik.stop());

  it("is refused by who doesn't trust the certificate", async () => {
    await assert.rejects(fetch(authentik.url), ({ cause }: Error) => {
      assert.equal((cause as NodeJS.ErrnoException).code, "SELF_SIGNED_CERT_IN_CHAIN");
      return true;
    });
    assert.deepEqual(authentik.requests, []);
  });

  it("answers who does", async () => {
    const status = await new Promise((resolve, reject) => {
      get(authentik.url, { ca: cert }, (response) => resolve(response.resume().statusCode)).on("error", reject);
    });
    assert.equal(status, 404);
  });
});
