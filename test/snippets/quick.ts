// "tangent-lab" as the documents' snippets import it in their test: the same functions with few steps and small networks, whatever a snippet asks for.
import * as lab from "tangent-lab";

export * from "tangent-lab";

const few = { steps: 2, batchSize: 4 };

export const diffusion: typeof lab.diffusion = {
  ...lab.diffusion,
  train: (data, options) => lab.diffusion.train(data, { ...options, ...few }),
  generate: (model, options) => lab.diffusion.generate(model, { ...options, steps: 2 }),
};

export const manifold: typeof lab.manifold = {
  ...lab.manifold,
  train: ((data, options) => lab.manifold.train(data, { ...options, ...few })) as typeof lab.manifold.train,
};

export const consistency: typeof lab.consistency = {
  ...lab.consistency,
  train: (data, options) => lab.consistency.train(data, { ...options, ...few }),
};

export const metrics: typeof lab.metrics = {
  ...lab.metrics,
  evaluate: (model, data, options) => lab.metrics.evaluate(model, data, { ...options, count: 64 }),
};

export const nn: typeof lab.nn = {
  ...lab.nn,
  ddpmpp: { ...lab.nn.ddpmpp, channels: 32 as 128 },
};

export const softrepa: typeof lab.softrepa = {
  ...lab.softrepa,
  trainFlow: (data, options) => lab.softrepa.trainFlow(data, { ...options, ...few }),
  trainTokens: (data, flow, options) => lab.softrepa.trainTokens(data, flow, { ...options, ...few }),
  generate: (flow, config) => lab.softrepa.generate(flow, { ...config, steps: 2 }),
};
