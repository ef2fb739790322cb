import { mergeStudies } from "../experiments/merge.js";

export interface MergeArguments {
  out: string;
}

/** `tangent-lab experiment merge FOLDER...`: joins what several machines finished of a study. */
export async function mergeCommand(folders: readonly string[], { out }: MergeArguments): Promise<void> {
  const { plan, trials, added } = await mergeStudies(folders, out);
  const command = `tangent-lab experiment ${plan.study}${plan.quick ? " --quick" : ""} --out ${out}`;
  console.log(`finished trials in ${out}: ${trials}, of them new: ${added}`);
  console.log(
    `\`${command}\`, with --seeds and --panel as the shards had them, runs what is left and writes the report.`,
  );
}
