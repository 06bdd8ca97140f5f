// Certificates by which the API server and the kubelet know each other. Each is self-signed and the other's only trusted one.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** PEM files. */
interface KeyPair {
  certificate: string;
  key: string;
}

export interface KubeletCertificates {
  /** The kubelet's server certificate, for the node's address. */
  server: KeyPair;
  /** The API server's client certificate for the kubelet. */
  client: KeyPair;
}

const DAYS = "7";

/** Creates them in `dir`, a new folder that only its owner may enter. Requires openssl. */
export function createKubeletCertificates(dir: string, address: string): KubeletCertificates {
  mkdirSync(dir, { mode: 0o700 });
  return {
    server: selfSigned(join(dir, "kubelet"), "/CN=kubelet", [
      `subjectAltName=IP:${address}`,
      "extendedKeyUsage=serverAuth",
    ]),
    // The group lets it ask the kubelet for everything.
    client: selfSigned(join(dir, "apiserver-client"), "/O=system:masters/CN=kube-apiserver", [
      "extendedKeyUsage=clientAuth",
    ]),
  };
}

function selfSigned(path: string, subject: string, extensions: string[]): KeyPair {
  const pair = { certificate: `${path}.crt`, key: `${path}.key` };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const added = extensions.flatMap((extension) => ["-addext", extension]);
  const files = ["-keyout", pair.key, "-out", pair.certificate];
  execFileSync("openssl", ["req", "-x509", "-days", DAYS, "-subj", subject, ...curve, ...added, ...files], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  return pair;
}
