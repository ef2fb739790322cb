// What the tests of kills do, as one module: bundled with `killed-files.ts` instead of node:fs/promises.
export { replaceFolder } from "../../build/folder.js";
export { link, unlink } from "../../src/cli/cuda/link.js";
export { initCommand } from "../../src/cli/notebook/init-command.js";
export { claimReport } from "../../src/cli/report-folder.js";
export { checkpointFolder } from "../../src/io/checkpoint.js";
export { claimFolder, shareFolder } from "../../src/io/claim.js";
export {
  removeFolder,
  restoreFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from "../../src/io/files.js";
export { killedAfter } from "./killed-files.js";
