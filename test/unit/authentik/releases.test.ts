import assert from "node:assert/strict";
import { releases, releasesOf } from "../../../authentik/releases";

const official = "ghcr.io/goauthentik/proxy";

describe("the releases of an image", () => {
  const named: Record<string, string> = {
    "2021.9.1": "before 2025.4.1",
    "2024.12.3": "before 2025.4.1",
    "2025.2": "before 2025.4.1",
    "2025.4.0": "before 2025.4.1",
    "2025.4.0-rc2": "before 2025.4.1",
    "2025.4.1": "2025.4.1 to 2025.6",
    "2025.6.4": "2025.4.1 to 2025.6",
    "2025.6": "2025.4.1 to 2025.6",
    "2025.8.0": "2025.8",
    "2025.8.6": "2025.8",
    "2025.10.0-rc1": "2025.10.0 to 2025.10.2",
    "2025.10.0": "2025.10.0 to 2025.10.2",
    "2025.10.2": "2025.10.0 to 2025.10.2",
    "2025.10.2-amd64": "2025.10.0 to 2025.10.2",
    "2025.10.3": "2025.10.3",
    "2025.10.4": "2025.10.4 to 2026.5",
    "2025.10.12": "2025.10.4 to 2026.5",
    "2025.12.4": "2025.10.4 to 2026.5",
    "2026.2.1": "2025.10.4 to 2026.5",
    "2026.5.0": "2025.10.4 to 2026.5",
    "2026.5": "2025.10.4 to 2026.5",
    "2026.8.0-rc1": "2026.8 and later",
    "2026.8.4": "2026.8 and later",
    "2027.2.0": "2026.8 and later",
  };
  for (const [tag, name] of Object.entries(named)) {
    it(`${tag}: ${name}`, () => assert.equal(releasesOf(`${official}:${tag}`)?.name, name));
  }

  it("are told by the tag, whatever the registry and whatever the digest beside it", () => {
    const images = [
      "docker.io/beryju/authentik-proxy:2025.10.1",
      "registry.example:5000/mirror/goauthentik/proxy:2025.10.1",
      `${official}:2025.10.1@sha256:${"0".repeat(64)}`,
      "proxy:2025.10.1",
    ];
    for (const image of images) assert.equal(releasesOf(image)?.name, "2025.10.0 to 2025.10.2", image);
  });

  it("are not known by a tag that does not tell", () => {
    const images = [
      undefined,
      "",
      official,
      `${official}:latest`,
      `${official}:gh-next`,
      `${official}:gh-0139a0824e4984923ac38b54b3f2864b947130a7`,
      `${official}@sha256:${"2025".repeat(16)}`,
      "registry.example:2025/goauthentik/proxy",
      // The newest patch of a month whose patches differ.
      `${official}:2025.4`,
      `${official}:2025.10`,
      // A numbering of somebody's own.
      `${official}:1.4.0`,
      `${official}:2025.10.1.7`,
    ];
    for (const image of images) assert.equal(releasesOf(image), undefined, image);
  });
});

describe("the table of releases", () => {
  it("is in order, and each row is told by the first of its releases", () => {
    for (const row of releases.slice(1)) assert.equal(releasesOf(`proxy:${row.first.join(".")}`), row);
  });

  it("has forward auth open on three releases alone", () => {
    const open = releases.filter(({ isOpen }) => isOpen).map(({ name }) => name);
    assert.deepEqual(open, ["2025.10.0 to 2025.10.2"]);
  });
});
