import { check } from "../errors.js";
import { readSafetensors } from "../io/safetensors.js";
import { checkTokensFit, describeTokens, publishedHosts, tokensProblem } from "../softrepa/token-file.js";

export interface TokensArguments {
  model?: string;
}

/** `tangent-lab tokens FILE`: what soft tokens a file holds, and which of the known models they fit; by shapes, no model is made. */
export async function tokensCommand(path: string, { model }: TokensArguments): Promise<void> {
  const wanted = publishedHosts.find(({ name }) => name === model);
  check(
    model === undefined || wanted !== undefined,
    "--model",
    model,
    publishedHosts.map(({ name }) => name).join(", "),
  );
  const { tensors } = await readSafetensors(path);
  const description = describeTokens(tensors, path);
  const { layers, shared, tokens, dim, timeRows, parameters } = description;
  console.log(`layers      ${shared ? "one set for all" : layers}`);
  console.log(`tokens      ${tokens}${shared ? "" : " in each layer"}`);
  console.log(`dimension   ${dim}`);
  console.log(`time table  ${timeRows === 0 ? "none" : `${timeRows} rows`}`);
  console.log(`parameters  ${parameters.toLocaleString("en-US")}`);
  for (const host of wanted ? [wanted] : publishedHosts) {
    const problem = tokensProblem(description, host);
    const why = problem && `${problem.what}: ${problem.given}, where it takes ${problem.allowed}`;
    console.log(`${host.name.padEnd(11)} ${why ? `does not fit, ${why}` : "fits"}`);
  }
  if (wanted) checkTokensFit(description, wanted);
}
