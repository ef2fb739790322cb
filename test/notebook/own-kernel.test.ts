import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reasonToSkip } from "./execute.js";
import { installPacked } from "./packed.js";

// The kernel of `tangent-lab kernel install`, from the packed package in a folder of its own, asked by Jupyter's own client.

const vegaLite = "application/vnd.vegalite.v5+json";
const script = fileURLToPath(new URL("ask.py", import.meta.url));

interface Answer {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many kinds
  reply: Record<string, any>;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many kinds
  outputs: [type: string, content: Record<string, any>][];
  states: string[];
  others: { status: string }[];
  ended?: boolean;
}

interface Step {
  ask: string;
  with?: object;
  interrupt?: number;
  together?: string[];
  /** What must hold of the answer. */
  holds(answer: Answer): void;
}

const execute = (code: string, holds: Step["holds"], more: Partial<Step> = {}): Step => ({
  ask: "execute",
  with: { code },
  holds: (answer) => {
    assert.is(answer.type, "execute_reply");
    assert.equal(answer.states, ["busy", "idle"]);
    holds(answer);
  },
  ...more,
});

const outputs = ({ outputs }: Answer, type: string): Answer["outputs"][number][1][] =>
  outputs.filter(([each]) => each === type).map(([, content]) => content);

/** The last expression as text. */
const result = (answer: Answer): string => outputs(answer, "execute_result")[0]?.data["text/plain"];
const printed = (answer: Answer): string =>
  outputs(answer, "stream")
    .map(({ text }) => text)
    .join("");
const chart = `viz.metricCurves({ metric: "loss", curves: [{ name: "a", steps: [1, 2], values: [2, 1] }] })`;
const emoji = "'😀'; ";

const table: [what: string, step: Step][] = [
  [
    "kernel_info: who it is, and its language",
    {
      ask: "kernel_info",
      holds: ({ reply }) => {
        assert.equal(
          [reply.status, reply.implementation, reply.protocol_version, reply.language_info.name],
          ["ok", "tangent-lab", "5.3", "typescript"],
        );
        assert.is(reply.language_info.file_extension, ".ts");
      },
    },
  ],
  [
    "execute: the last expression is a result, with the cell's number; namespaces are in scope",
    execute("datasets.sphere().shape", (answer) => {
      assert.equal([answer.reply.status, answer.reply.execution_count], ["ok", 1]);
      assert.equal(outputs(answer, "execute_input")[0]!.execution_count, 1);
      assert.is(outputs(answer, "execute_result")[0]!.execution_count, 1);
      assert.is(result(answer), "[ 3 ]");
    }),
  ],
  [
    "execute: what is printed goes to its stream, and nothing is shown of undefined",
    execute("console.log(1); console.error(2); void 0", (answer) => {
      const streams = outputs(answer, "stream").map(({ name, text }) => [name, text]);
      assert.equal(streams, [
        ["stdout", "1\n"],
        ["stderr", "2\n"],
      ]);
      assert.is(result(answer), undefined);
    }),
  ],
  [
    "execute: no message is lost, however many a cell sends at once",
    execute("for (let i = 0; i < 1500; i++) console.log(i);", (answer) => {
      assert.is(printed(answer), Array.from({ length: 1500 }, (_, i) => `${i}\n`).join(""));
    }),
  ],
  ...["a chart", "a figure"].map((what, i): [string, Step] => [
    `execute: ${what} is drawn where it is the last expression`,
    execute(i === 0 ? chart : `viz.figure(${chart})`, (answer) => {
      const { data } = outputs(answer, "execute_result")[0]!;
      assert.equal(Object.keys(data), [vegaLite, "image/png", "text/plain"]);
      assert.match(data["text/plain"], /Chart: /);
    }),
  ]),
  [
    "execute: a chart is shown by viz.show, too",
    execute(`viz.show(${chart})`, (answer) => {
      assert.is(outputs(answer, "display_data").length, 1);
    }),
  ],
  [
    "execute: a dataset shows a picture, and says what it is",
    execute("datasets.circle()", (answer) => {
      assert.ok(vegaLite in outputs(answer, "display_data")[0]!.data);
      assert.match(result(answer), /^Dataset circle/);
    }),
  ],
  [
    "execute: a table is HTML",
    execute(`viz.table([{ name: "a", loss: 0.5 }])`, (answer) => {
      assert.match(outputs(answer, "execute_result")[0]!.data["text/html"], /^<table/);
    }),
  ],
  [
    "execute: what is thrown is an error with its name, without the kernel's own frames",
    execute("\nthrow new RangeError('too far')", (answer) => {
      const [error] = outputs(answer, "error");
      for (const each of [answer.reply, error!]) {
        assert.equal([each.ename, each.evalue], ["RangeError", "too far"]);
        assert.match(each.traceback.join("\n"), /too far/);
        assert.not.match(each.traceback.join("\n"), /session\.js|tslab/);
      }
      assert.equal([answer.reply.status, answer.reply.execution_count], ["error", 9]);
    }),
  ],
  [
    "execute: what does not compile says where, and is not run",
    execute("console.log('run');\nnothing + 1", (answer) => {
      assert.equal([answer.reply.status, answer.reply.ename], ["error", "CompileError"]);
      assert.equal(answer.reply.traceback, ["2:1 - Cannot find name 'nothing'."]);
      assert.is(printed(answer), "");
    }),
  ],
  [
    "execute: a value whose printing fails is an error of the cell",
    execute(
      "({ [Symbol.for('Jupyter.display')]: async () => { throw new Error('no picture') } })",
      (answer) => {
        assert.equal([answer.reply.status, answer.reply.evalue], ["error", "no picture"]);
      },
    ),
  ],
  [
    "execute: cells that were sent with one that fails are not run; later ones are",
    execute(
      "throw 1",
      ({ others }) => assert.equal([others[0]!.status, others[1]!.status], ["aborted", "aborted"]),
      {
        together: ["console.log(1)", "console.log(2)"],
      },
    ),
  ],
  [
    "execute: a name of an earlier cell",
    execute("const count = 3; async function* numbers() { yield 1; yield 2; }", ({ reply }) =>
      assert.is(reply.status, "ok"),
    ),
  ],
  [
    "execute: in a shorthand property",
    execute("({ count })", (answer) => assert.is(result(answer), "{ count: 3 }")),
  ],
  [
    "execute: for await as the cell's only await",
    execute("for await (const n of numbers()) console.log(n);\ncount", (answer) => {
      assert.equal([printed(answer), result(answer)], ["1\n2\n", "3"]);
    }),
  ],
  [
    "execute: await of a function's value as the cell's only await",
    execute("await (async () => count + 1)()", (answer) => assert.is(result(answer), "4")),
  ],
  [
    "execute, silent: no number, no output of its own",
    {
      ask: "execute",
      with: { code: "1 + 1", silent: true },
      holds: (answer) => {
        assert.equal([answer.reply.status, answer.reply.execution_count, answer.outputs], ["ok", 16, []]);
      },
    },
  ],
  [
    "complete: names of a namespace, counted in characters",
    {
      ask: "complete",
      with: { code: `${emoji}datasets.ci`, cursor_pos: 16 },
      holds: ({ reply }) => {
        assert.equal([reply.status, reply.cursor_start, reply.cursor_end], ["ok", 14, 16]);
        assert.ok(reply.matches.includes("circle"));
        assert.not.ok(reply.matches.includes("sphere"));
      },
    },
  ],
  ...[
    "datasets.circle",
    `${emoji}datasets.circle`,
    "datasets.circle(",
    `f(1, datasets.circle({ a: (1) }, `,
  ].map((code): [string, Step] => [
    `inspect: type and docstring at the end of ${code}`,
    {
      ask: "inspect",
      with: { code, cursor_pos: [...code].length },
      holds: ({ reply }) => {
        assert.equal([reply.status, reply.found], ["ok", true]);
        assert.match(reply.data["text/plain"], /circle\(\): .*Dataset[\s\S]*The circle around 0/);
      },
    },
  ]),
  [
    "inspect: nothing",
    {
      ask: "inspect",
      with: { code: "1 + 1", cursor_pos: 2 },
      holds: ({ reply }) => assert.equal([reply.status, reply.found, reply.data], ["ok", false, {}]),
    },
  ],
  ...(
    [
      ["1 + 1", { status: "complete" }],
      ["function f() {", { status: "incomplete", indent: "  " }],
    ] as const
  ).map(([code, expected]): [string, Step] => [
    `is_complete: ${code}`,
    { ask: "is_complete", with: { code }, holds: ({ reply }) => assert.equal(reply, expected) },
  ]),
  [
    "history: the last cells, with their numbers",
    {
      ask: "history",
      with: { hist_access_type: "tail", n: 2 },
      holds: ({ reply }) =>
        assert.equal(reply.history, [
          [0, 15, "for await (const n of numbers()) console.log(n);\ncount"],
          [0, 16, "await (async () => count + 1)()"],
        ]),
    },
  ],
  [
    "comm_info: no widgets",
    { ask: "comm_info", holds: ({ reply }) => assert.equal(reply, { status: "ok", comms: {} }) },
  ],
  ...["while (true) {}", "await new Promise((done) => setTimeout(done, 60_000))"].map(
    (code): [string, Step] => [
      `interrupt, by the manager: ${code}`,
      execute(code, ({ reply }) => assert.equal([reply.status, reply.ename], ["error", "Interrupted"]), {
        interrupt: 0.3,
      }),
    ],
  ),
  [
    "interrupt, by a message, while nothing runs",
    { ask: "interrupt", holds: ({ reply }) => assert.equal(reply, { status: "ok" }) },
  ],
  [
    "interrupt: the kernel and its names are still there",
    execute("count", (answer) => assert.is(result(answer), "3")),
  ],
  ...(
    [
      [
        "a package is installed while the kernel runs",
        `const { mkdirSync, rmSync, writeFileSync } = await import("node:fs");
const install = (value: number): Promise<void> => {
  mkdirSync("node_modules/late", { recursive: true });
  writeFileSync("node_modules/late/package.json", '{ "name": "late", "types": "index.d.ts" }');
  writeFileSync("node_modules/late/index.d.ts", "export declare const late: number;");
  writeFileSync("node_modules/late/index.js", \`exports.late = \${value};\`);
  return new Promise((done) => setTimeout(done, 500));
};
await install(7);`,
        undefined,
      ],
      ["the package is found", 'import { late } from "late";\nlate', "7"],
      ["it is installed again", "await install(8);", undefined],
      ["a cell after that", "count + 1", "4"],
      ["and one more", 'rmSync("node_modules", { recursive: true });\ncount + 2', "5"],
    ] as const
  ).map(([what, code, expected]): [string, Step] => [
    `execute: ${what}`,
    execute(code, (answer) => {
      assert.equal([answer.reply.status, result(answer)], ["ok", expected]);
    }),
  ]),
];

/** The last step: nothing answers after it. */
const shutdown = { ask: "shutdown", with: { restart: true } };

/** A training that takes no time. */
const quick = (code: string): string =>
  code
    .replaceAll(".train(data);", ".train(data, { steps: 4 });")
    .replace("batchSize: 16 }", "batchSize: 16, steps: 4 }");

/** Runs a program and gives what it prints. */
function printedBy(
  command: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  input = "",
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env });
    let [out, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${command}: ${code}\n${errors}`)),
    );
    child.stdin.end(input);
  });
}

if (reasonToSkip) {
  console.log(`skipped: ${reasonToSkip}`);
} else {
  let folder = "";
  let answers: Answer[] = [];

  test.before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "tangent-lab-packed-")));
    await installPacked(folder);
    const main = join(folder, "node_modules", "tangent-lab", "dist", "src", "cli", "main.js");
    const prefix = join(folder, "place");
    const env = { ...process.env, JUPYTER_PATH: join(prefix, "share", "jupyter"), NODE_OPTIONS: "" };
    await printedBy(process.execPath, [main, "init", "my-study"], folder, env);
    await printedBy(
      process.execPath,
      [main, "kernel", "install", "--prelude", "--prefix", prefix],
      folder,
      env,
    );
    const study = join(folder, "my-study");
    const { cells } = JSON.parse(await readFile(join(study, "first.ipynb"), "utf8")) as {
      cells: { cell_type: string; source: string }[];
    };
    const lesson = cells
      .filter(({ cell_type }) => cell_type === "code")
      .map(({ source }) => ({ ask: "execute", with: { code: quick(source) } }));
    const steps = [...table.map(([, { holds: _, ...step }]) => step), ...lesson, shutdown];
    const out = await printedBy("python3", [script, "tangent-lab", study], study, env, JSON.stringify(steps));
    answers = JSON.parse(out);
  });
  test.after(() => rm(folder, { recursive: true, force: true }));

  table.forEach(([what, step], i) => {
    test(what, () => {
      const answer = answers[i];
      assert.ok(answer, "no answer");
      step.holds(answer);
    });
  });

  test("the notebook of init runs, and ends with its chart", () => {
    const lesson = answers.slice(table.length, -1);
    assert.equal(
      lesson.map(({ reply }) => reply.status),
      ["ok", "ok", "ok"],
    );
    assert.match(JSON.stringify(lesson[0]!.outputs), /execute_input.*steps: 4/);
    assert.ok(vegaLite in outputs(lesson[2]!, "display_data")[0]!.data);
  });

  test("shutdown, for a restart: it says so, and its process ends", () => {
    const { reply, ended } = answers.at(-1)!;
    assert.equal([reply, ended], [{ status: "ok", restart: true }, true]);
  });

  test("init: what a project begins with", async () => {
    const study = join(folder, "my-study");
    assert.equal((await readdir(study)).sort(), [".gitignore", "first.ipynb", "first.ts", "package.json"]);
    const { name, dependencies } = JSON.parse(await readFile(join(study, "package.json"), "utf8"));
    assert.is(name, "my-study");
    assert.equal(Object.keys(dependencies), ["tangent-lab", "tslab", "tsx"]);
  });
}

test.run();
