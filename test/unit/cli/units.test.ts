import assert from "node:assert/strict";
import { formatAge, formatBytes } from "../../../cli/units";

describe("units", () => {
  for (const [bytes, text] of [
    [0, "0"],
    [1023, "1023"],
    [1024, "1Ki"],
    [4096, "4Ki"],
    [67108864, "64Mi"],
    [8273920, "7.89Mi"],
    [1073741823, "1024Mi"],
    [1073741824, "1Gi"],
  ] as const) {
    it(`writes ${bytes} bytes as ${text}`, () => assert.equal(formatBytes(bytes), text));
  }

  // Texts of HumanDuration in k8s.io/apimachinery/pkg/util/duration.
  for (const [seconds, text] of [
    [-1, "0s"],
    [0.9, "0s"],
    [119, "119s"],
    [120, "2m"],
    [185, "3m5s"],
    [600, "10m"],
    [10_799, "179m"],
    [10_800, "3h"],
    [19_800, "5h30m"],
    [28_800, "8h"],
    [172_799, "47h"],
    [172_800, "2d"],
    [180_000, "2d2h"],
    [864_000, "10d"],
  ] as const) {
    it(`writes ${seconds} seconds as ${text}`, () => assert.equal(formatAge(seconds), text));
  }
});
