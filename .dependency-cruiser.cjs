// Rules for imports between folders, which docs/design.md draws. `npm run imports` checks them, imports of types included.

/** Folders of the product, from the ground up. Each imports only from those before it. */
const layers = [
  ["kubernetes"],
  ["authentik"],
  ["cleaner"],
  ["settings"],
  ["podPatch"],
  ["preflight"],
  ["components"],
  ["verification"],
  ["render"],
];
const product = [...layers.flat(), "cli"];
const anyOf = (folders) => `^(${folders.join("|")})/`;

const upwards = layers.map((layer, index) => ({
  name: `${layer.join("-")}-imports-nothing-above`,
  comment: "A box of the drawing knows none to its right.",
  severity: "error",
  from: { path: anyOf(layer) },
  to: { path: anyOf([...layers.slice(index + 1).flat(), "cli"]) },
}));

module.exports = {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    ...upwards,
    {
      name: "cli-stands-beside-the-component",
      comment:
        "Commands share the ground with the program: its settings, names and clients. Only render/ runs the component, without an engine.",
      severity: "error",
      from: { path: "^cli/" },
      to: { path: "^(preflight|components|verification)/" },
    },
    {
      name: "product-imports-no-test-bed",
      severity: "error",
      from: { path: `^index\\.ts$|${anyOf(product)}` },
      to: { path: "^(sandbox|test|bench)/" },
    },
    { name: "bench-imports-no-test", severity: "error", from: { path: "^bench/" }, to: { path: "^test/" } },
    { name: "sandbox-imports-no-test", severity: "error", from: { path: "^sandbox/" }, to: { path: "^(test|bench)/" } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "^tsx/" } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    exclude: { path: "^(node_modules|\\.sandbox|toolchain|dist|examples)/|^eslint\\.config" },
    doNotFollow: { path: "node_modules" },
  },
};
