// ONNX Runtime 1.30 for Node writes ~/.cache/Microsoft/DeveloperTools and looks up a telemetry host, unless this is set before it is loaded. Who wants that sets the
// variable to 0. A worker's environment is a copy that native code does not see: what is imported first, in the main thread, counts.
if (globalThis.process?.env !== undefined) process.env.ORT_DISABLE_TELEMETRY ??= "1";
