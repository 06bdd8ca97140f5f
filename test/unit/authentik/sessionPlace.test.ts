import assert from "node:assert/strict";
import { sessionPlace } from "../../../authentik/sessionPlace";

const image = "ghcr.io/goauthentik/proxy:2026.5.0";
const old = "ghcr.io/goauthentik/proxy:2024.12.3";
const tmpdir = (value?: string) => [{ name: "TMPDIR", ...(value !== undefined && { value }) }];

describe("the place of an outpost's sessions", () => {
  it("is the image's TMPDIR, from 2025.4.1 on and where the tag does not tell", () => {
    const of = (tag: string) => sessionPlace({ image: `ghcr.io/goauthentik/proxy:${tag}` });
    for (const tag of ["2025.4.1", "2026.8.0"])
      assert.deepEqual(of(tag), { dir: "/dev/shm", because: "its image sets TMPDIR" }, tag);
    for (const tag of ["latest", "gh-next"])
      assert.deepEqual(of(tag), { dir: "/dev/shm", because: "images from 2025.4.1 on set TMPDIR" }, tag);
  });

  it("is the TMPDIR of the container's env, the last of several, and /tmp if that is empty", () => {
    const of = (...values: (string | undefined)[]) => sessionPlace({ image, env: values.flatMap(tmpdir) });
    const because = "its env sets TMPDIR";
    assert.deepEqual(of("/sessions"), { dir: "/sessions", because });
    assert.deepEqual(of("/sessions", "/dev/shm"), { dir: "/dev/shm", because });
    assert.deepEqual(of("/dev/shm/"), { dir: "/dev/shm", because });
    assert.deepEqual(of("/dev/shm/own"), { dir: "/dev/shm/own", because });
    assert.deepEqual(of(""), { dir: "/tmp", because });
    assert.deepEqual(of(undefined), { dir: "/tmp", because });
    assert.deepEqual(sessionPlace({ image: old, env: tmpdir("/dev/shm") }), { dir: "/dev/shm", because });
  });

  it("is not known by the spec if another object has it", () => {
    const from = (valueFrom: object) => sessionPlace({ image, env: [{ name: "TMPDIR", valueFrom }] });
    assert.deepEqual(from({ configMapKeyRef: { name: "outpost", key: "tmp" } }), {
      unknown: "its TMPDIR comes from ConfigMap outpost",
    });
    assert.deepEqual(from({ secretKeyRef: { name: "outpost", key: "tmp" } }), {
      unknown: "its TMPDIR comes from Secret outpost",
    });
    assert.deepEqual(from({ fieldRef: { fieldPath: "metadata.name" } }), {
      unknown: "its TMPDIR comes from a field of the pod",
    });
    assert.deepEqual(sessionPlace({ image, env: tmpdir("$(ROOT)/shm") }), { unknown: "its TMPDIR is $(ROOT)/shm" });
    assert.deepEqual(sessionPlace({ image: old, envFrom: [{ configMapRef: { name: "outpost" } }] }), {
      unknown: `${old} sets no TMPDIR, and its envFrom may`,
    });
  });
});
