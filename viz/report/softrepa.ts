import type { Agreement } from "../../datasets/captioned.js";
import type { SplitName } from "../../src/experiments/softrepa/examples-record.js";
import type { ArmRecord, SoftRepaRecord } from "../../src/experiments/softrepa/record.js";
import { metricCurves } from "../charts/curves.js";
import { Page } from "../render/page.js";
import type { Points } from "../spec.js";
import { capitalize, escapeHTML, formatNumber } from "../text.js";
import { exampleTables, mendedCards, mendedSections, percent, picture, pixelStyle, table } from "./mended.js";
import { drawn, factTable, header, style } from "./parts.js";

/** The report of soft tokens as one self-contained HTML file, like `renderReport`'s. */
export async function renderSoftRepa(record: SoftRepaRecord): Promise<string> {
  const page = new Page();
  const sections: [id: string, title: string, body: string][] = [
    ["mended", "What is mended", mendedSections(page, record.mended)],
    [
      "images",
      "Captions and images",
      exampleTables(
        record.examples,
        record.arms.map(({ name }) => name),
      ),
    ],
    ["agreement", "Do images show what their captions say?", agreementSection(record)],
    ["attention", "Where image patches attend to soft tokens", attention(record)],
    ["editing", "Editing", editing(record)],
    ["representation", "What the network knows, and what it costs", representation(record)],
    ["training", "Training", training(page, record)],
    [
      "provenance",
      "Settings, seeds and machine",
      `${factTable(record.settings)}<h3>Machine</h3>${factTable(record.machine)}<h3>Versions</h3>${factTable(record.versions)}`,
    ],
  ];
  const shown = sections.filter(([, , body]) => body !== "");
  const { title, date, seconds, quick, dataset, shape } = record;
  const text = `A text-to-image flow on ${dataset} (${shape.join(" × ")}), trained from nothing on captions of which a share is wrong in one thing: ${record.mended.base}; the same flow on clean captions: ${record.mended.oracle}. What is between them is to be mended with clean pairs: by soft tokens in the first layers of the frozen flow, or by training all of it.${quick ? " This is the quick version: its numbers say nothing." : ""}`;
  const body = [
    header({
      title,
      date,
      seconds,
      text,
      contents: shown.map(([id, title]) => ({ id, title })),
      cards: mendedCards(record.mended),
    }),
    ...shown.map(
      ([id, title, body]) => `<section id="${id}"><h2>${escapeHTML(title)}</h2>\n${body}</section>`,
    ),
  ].join("\n");
  return page.html({ title, body, style: style + pixelStyle });
}

function agreementSection({ arms, ceiling }: SoftRepaRecord): string {
  return (Object.entries(ceiling) as [SplitName, Agreement][])
    .map(([split, clean]) => {
      const attributes = Object.keys(clean.byAttribute);
      const row = (name: string, { overall, byAttribute }: typeof clean, rest: string[]): string[] => [
        escapeHTML(name),
        percent(overall),
        ...attributes.map((attribute) => percent(byAttribute[attribute]!)),
        ...rest,
      ];
      return `<h3>${escapeHTML(capitalize(split))} combinations</h3>${table(
        ["", "all right", ...attributes, "dual encoder", "Fréchet distance", "information"],
        [
          ...arms.map(({ name, splits }) => {
            const { agreement, dualScore, frechet, information } = splits[split]!;
            const { bound } = information;
            return row(name, agreement, [
              formatNumber(dualScore),
              formatNumber(frechet),
              `${formatNumber(bound)} nats`,
            ]);
          }),
          row("clean data: the ceiling", clean, [
            "",
            "",
            `at most ${formatNumber(arms[0]!.splits[split]!.information.ceiling)}`,
          ]),
        ],
      )}`;
    })
    .join("")
    .concat(
      "<p>Dual encoder: mean cosine of image and caption, by a network trained apart. Fréchet distance: to real images of the same captions, in its features; lower is better. Information: InfoNCE's lower bound on what denoising errors tell of the caption.</p>",
    );
}

function attention({ attention }: SoftRepaRecord): string {
  if (!attention) return "";
  const { captions, images, layers, t } = attention;
  const range = layers.flatMap(({ values }) => values as readonly number[]);
  const [low, high] = [Math.min(...range), Math.max(...range)];
  const heat = ({ shape, values }: Points, index: number): string =>
    picture(
      { shape, values: Array.from(values, (value) => (2 * (value - low)) / (high - low || 1) - 1) },
      index,
    );
  const rows = captions.map((caption, i) => [
    escapeHTML(caption),
    picture(images, i),
    ...layers.map((layer) => heat(layer, i)),
  ]);
  const head = ["", "image", ...layers.map((_, i) => `layer ${i + 1}`)];
  return `<p>Share of each patch's attention that goes to all soft tokens of a layer together, at noise level t = ${formatNumber(t)}: black is ${percent(low)}, white ${percent(high)}.</p>${table(head, rows)}`;
}

function editing({ arms, strips }: SoftRepaRecord): string {
  const rows = arms.flatMap(({ name, editing }) =>
    editing.map(({ start, changed, kept, target, distance }) => [
      escapeHTML(name),
      formatNumber(start),
      ...[changed, kept, target].map(percent),
      formatNumber(distance),
    ]),
  );
  if (rows.length === 0) return "";
  const numbers = table(
    ["", "from t", "changed as asked", "rest kept", "all as asked", "change of pixels"],
    rows,
  );
  const pictures = strips.source.map((source, i) => {
    const lines = Object.entries(strips.frames).map(([name, frames]) => [
      escapeHTML(name),
      ...frames.map((frame) => picture(frame, i)),
    ]);
    return `<p><b>${escapeHTML(source)}</b> → <b>${escapeHTML(strips.target[i]!)}</b></p>${table([], lines)}`;
  });
  return `<p>FlowEdit, without inversion: one attribute of each image is to change, the others are to stay. A start at a lower t changes less.</p>${numbers}
<h3>From source to target</h3>${pictures.join("")}`;
}

function representation({ arms }: SoftRepaRecord): string {
  const probed = arms.filter((arm) => arm.alignment !== null);
  const attributes = Object.keys(probed[0]?.alignment?.probe ?? {});
  const value = (arm: ArmRecord): string[] => [
    escapeHTML(arm.name),
    ...attributes.map((name) => (arm.alignment ? percent(arm.alignment.probe[name]!) : "")),
    ...(probed.length > 0 ? [arm.alignment ? formatNumber(arm.alignment.cknna) : ""] : []),
    arm.trained.toLocaleString("en-US"),
    `${formatNumber(Number(arm.stepTime.toPrecision(3)))} ms`,
  ];
  const head = [
    "",
    ...attributes.map((name) => `probe: ${name}`),
    ...(probed.length > 0 ? ["CKNNA"] : []),
    "trained numbers",
    "sampling step",
  ];
  const note =
    probed.length > 0
      ? "<p>Probe: accuracy of a linear classifier on image features of the network's middle layer, without a caption. CKNNA: their alignment with the dual encoder's.</p>"
      : "";
  return note + table(head, arms.map(value));
}

function training(page: Page, { runs }: SoftRepaRecord): string {
  return runs
    .filter(({ losses }) => losses.length > 1)
    .map(({ name, losses, parameters, seconds }) =>
      drawn(page, () =>
        metricCurves({
          metric: "loss",
          curves: [
            {
              name,
              steps: losses.map(({ step }) => step),
              values: losses.map(({ metrics }) => metrics.loss!),
            },
          ],
          height: 160,
          title: `${capitalize(name)}: ${parameters.toLocaleString("en-US")} numbers, ${Math.round(seconds)} s`,
        }),
      ),
    )
    .join("");
}
