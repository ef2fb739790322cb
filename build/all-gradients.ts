// The last step of `npm run build`: the gradients of TensorFlow.js's ops and the methods of its tensors, from tfjs-core, as one module. As published they are modules that only
// bundlers can load, and the package that has them ready, @tensorflow/tfjs, installs 230 MB more.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = ["register_all_gradients.js", "public/chained_ops/register_all_chained_ops.js"];

await esbuild.build({
  stdin: {
    contents: modules.map((path) => `import "@tensorflow/tfjs-core/dist/${path}";`).join("\n"),
    resolveDir: root,
  },
  absWorkingDir: root,
  outfile: "dist/src/engine/all-gradients.js",
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  treeShaking: true,
  legalComments: "eof",
  logLevel: "warning",
});

// Its types are none: those of the source name a package that users do not have.
writeFileSync(join(root, "dist/src/engine/all-gradients.d.ts"), "export {};\n");
