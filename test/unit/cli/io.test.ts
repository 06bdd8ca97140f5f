import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { processIo } from "../../../cli/io";
import { useTempDir } from "../tempDir";

describe("a program that runs on the same terminal", () => {
  const inDir = useTempDir();

  it("gets kubeconfigs by absolute paths, since it runs in another folder, and the text of one as it is", async () => {
    const seen = async (KUBECONFIG: string) => {
      const line = `printf %s "$KUBECONFIG" > '${inDir("seen")}'`;
      assert.equal(await processIo().run("sh", ["-c", line], { KUBECONFIG }), 0);
      return readFileSync(inDir("seen"), "utf8");
    };
    const paths = await seen(["package.json", "/other"].join(delimiter));
    assert.equal(paths, [resolve("package.json"), "/other"].join(delimiter));
    assert.equal(await seen("apiVersion: v1\nkind: Config\n"), "apiVersion: v1\nkind: Config\n");
  });
});
