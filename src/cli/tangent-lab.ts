#!/usr/bin/env node
// Loads the command line. Where few files may be open, Node ends in the middle of that, and calls modules missing that it could not open.

/** As many as Node opens at once while it loads the command line, and some more. */
const enough = 256;

interface Limits {
  userLimits?: { open_files?: { soft?: unknown } };
}

try {
  await import("./main.js");
} catch (cause) {
  const { open_files: files } = (process.report.getReport() as Limits).userLimits ?? {};
  const most = Number(files?.soft);
  if (!(most < enough)) throw cause;
  process.stderr.write(
    `error: only ${most} files may be open at a time, which are too few to start; allowed: ${enough} or more: ulimit -n ${enough}\n`,
  );
  process.exitCode = 2;
}
