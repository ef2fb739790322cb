// Imports point down the house (ARCHITECTURE.md): errors <- io, engine <- nn, optim <- loop <- diffusion, metrics <- manifold, softrepa <- consistency <- verify <- experiments
// <- cli. viz takes types of src, and nothing else of it but errors, io, engine and what draws samples (diffusion/generate); datasets know io, engine and the types of loop/data.
const layers = [
  ["errors"],
  ["io", "engine"],
  ["nn", "optim"],
  ["loop"],
  ["diffusion", "metrics"],
  ["manifold", "softrepa"],
  ["consistency"],
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
          to: { path: `^src/((${above.join("|")})(/|\\.ts$)|index\\.ts$)` },
        },
      ];
});

/** That what is at `from` does not import what is at `to`. */
const never = (name, from, to) => ({ name, severity: "error", from, to });

const forbidden = [
  ...upward,
  never("src-draws-nothing", { path: "^src/(?!cli|experiments)" }, { path: "^viz/" }),
  never("diffusion-is-not-measured", { path: "^src/diffusion/" }, { path: "^src/metrics/" }),
  never(
    "softrepa-stands-beside",
    { path: "^src/(softrepa|manifold|consistency)/" },
    { path: "^src/softrepa/", pathNot: "^src/$1/" },
  ),
  never(
    "the-loop-runs-in-browsers",
    { path: "^src/(loop|nn|optim)/" },
    {
      path: "^src/io/",
      dependencyTypesNot: ["type-only"],
      pathNot: "^src/io/(safetensors|fingerprint)\\.ts$",
    },
  ),
  never("the-loop-needs-no-node", { path: "^src/loop/" }, { dependencyTypes: ["core"] }),
  never(
    "datasets-know-only-io-and-engine",
    { path: "^datasets/" },
    { path: "^(src|viz)/", pathNot: "^src/(io|engine)/|^src/errors\\.ts$|^src/loop/data\\.ts$" },
  ),
  never(
    "datasets-take-types-of-the-loop",
    { path: "^datasets/" },
    { path: "^src/loop/", dependencyTypesNot: ["type-only"] },
  ),
  never(
    "viz-takes-types",
    { path: "^viz/" },
    {
      path: "^(src|datasets)/",
      pathNot: "^src/(io|engine)/|^src/(errors|diffusion/generate)\\.ts$",
      dependencyTypesNot: ["type-only"],
    },
  ),
  never("nothing-imports-the-demo", { path: "^(src|viz|datasets)/" }, { path: "^demo/" }),
  never("nothing-imports-the-site", { path: "^(src|viz|datasets|demo)/" }, { path: "^site/" }),
  never(
    "the-demo-runs-in-browsers",
    { path: "^demo/", pathNot: "^demo/(main|build)\\.ts$" },
    {
      path: "^src/(io|cli|experiments|verify)/|^(src/.*|datasets|viz)/index\\.ts$",
      dependencyTypesNot: ["type-only"],
    },
  ),
  never("no-circular", {}, { circular: true }),
];

module.exports = {
  forbidden,
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
  },
};
