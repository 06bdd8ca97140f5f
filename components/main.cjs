// The package's `main`, which Pulumi loads in a clone for programs of other languages (PulumiPlugin.yaml). Its own compiler would
// ignore tsconfig.json there and check all types at each start, so tsx runs the TypeScript. The package on npm is compiled.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const isClone = existsSync(join(__dirname, "index.ts"));
if (isClone) require("tsx/cjs");
module.exports = require(isClone ? "./index.ts" : "../dist/components/index.js");
