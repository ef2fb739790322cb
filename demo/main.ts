// `npm run demo`: builds the demo and serves its files on this machine.
import { build, serve } from "./build.js";

await build();
const { address } = await serve();
console.log(`The demo is at ${address} (Ctrl+C stops it).`);
console.log("Its files, in demo/dist, work on any web server, and without a network.");
