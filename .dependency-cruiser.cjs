// Imports point one way (ARCHITECTURE.md):
// io, engine <- nn, optim <- diffusion, metrics <- consistency, manifold, softrepa <- training <- verify <- experiments <- cli; viz reads plain data; datasets knows only io and engine.
const layers = [
  ["errors"],
  ["io", "engine"],
  ["nn", "optim"],
  ["diffusion", "metrics"],
  ["consistency", "manifold", "softrepa"],
  ["training"],
  ["verify"],
  ["experiments"],
  ["cli"],
];

const upward = layers.flatMap((names, level) => {
  const above = layers.slice(level + 1).flat();
  return above.length === 0
    ? []
    : [
        {
          name: `${names.join("-and-")}-imports-upward`,
          severity: "error",
          from: { path: `^src/(${names.join("|")})(/|\\.ts$)` },
          to: { path: `^src/((${above.join("|")})(/|\\.ts$)|index\\.ts$)|^viz/` },
        },
      ];
});

const forbidden = [
  ...upward,
  {
    name: "datasets-know-only-io-and-engine",
    severity: "error",
    from: { path: "^datasets/" },
    to: { path: "^(src|viz)/", pathNot: "^src/(io|engine)/|^src/errors\\.ts$" },
  },
  {
    name: "viz-reads-plain-data",
    severity: "error",
    from: { path: "^viz/" },
    to: { path: "^(src|datasets)/", pathNot: "^src/(io|engine)/|^src/errors\\.ts$" },
  },
  {
    name: "nothing-imports-the-demo",
    severity: "error",
    from: { path: "^(src|viz|datasets)/" },
    to: { path: "^demo/" },
  },
  {
    name: "the-demo-runs-in-browsers",
    severity: "error",
    from: { path: "^demo/", pathNot: "^demo/(main|build)\\.ts$" },
    to: {
      path: "^src/(io|cli|training|experiments|verify|public)/|^(src|datasets|viz)/index\\.ts$",
      dependencyTypesNot: ["type-only"],
    },
  },
  {
    name: "no-circular",
    severity: "error",
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
];

module.exports = {
  forbidden,
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
  },
};
