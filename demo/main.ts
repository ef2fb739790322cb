// `npm run demo`: builds the demo and serves its files on this machine. `-- --help` says what it does and starts nothing.
import { Command } from "commander";
import { build, serve } from "./build.js";

new Command("npm run demo")
  .description("Builds the demo into demo/dist and serves it on this machine, at a free port.")
  .usage("[-- --help]")
  .helpOption("-h, --help", "this text")
  .addHelpText("after", "\nWhat it shows is chosen on its page, whose address carries the settings.")
  // As with the command line `tangent-lab`: 2 is bad input.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

await build();
const { address } = await serve();
console.log(`The demo is at ${address} (Ctrl+C stops it).`);
console.log("Its files, in demo/dist, work on any web server, and without a network.");
