import { backend_util } from "@tensorflow/tfjs-core";
import type { Kernel } from "../backend.js";
import { reshapeTo } from "../backend.js";
import { beneath, differencePlus, inBlocks, plusChannels, timesChannels } from "../blocks.js";
import { type Graph, sameShape, sizeOf, type Value } from "../graph.js";
import { type Attributes, type ElementType, elementType } from "../proto.js";

/** An op of one value, number by number. */
export const op1 = (graph: Graph, op: string, x: Value, attributes: Attributes = {}, type = x.type): Value =>
  beneath(graph, x, (x) => graph.op(op, [x], x.shape, type, attributes));

const unary =
  (op: string): Kernel =>
  ({ graph, list: [x] }) =>
    op1(graph, op, x!);

const splatNumber = (v: Value): number | undefined =>
  v.constant?.splat ? Number(v.constant.data[0]) : undefined;

/** A splat enters an operation as a scalar: broadcasting does the rest. */
const operand = (graph: Graph, v: Value): Value =>
  v.constant?.splat && v.shape.length > 0 ? graph.splat(v.constant.data[0]!, [], v.type) : v;

export const scalar = (graph: Graph, fill: number, type: ElementType = "float32"): Value =>
  graph.splat(fill, [], type);

export function cast(graph: Graph, x: Value, type: ElementType): Value {
  if (x.type === type) return x;
  const fill = splatNumber(x);
  if (fill !== undefined)
    return graph.splat(
      type === "bool" ? Number(fill !== 0) : type === "int32" ? Math.trunc(fill) : fill,
      x.shape,
      type,
    );
  // A truth value cast twice is cast once.
  const source = x.node?.op === "Cast" && x.node.inputs[0]!.type === "bool" ? x.node.inputs[0]! : x;
  if (source.type === type) return source;
  return op1(graph, "Cast", source, { to: elementType[type] }, type);
}

/** Broadcasts a value to a shape, adding a node only if shapes differ. */
export function broadcast(graph: Graph, x: Value, shape: readonly number[]): Value {
  if (sameShape(x.shape, shape)) return x;
  if (x.constant?.splat) return graph.splat(x.constant.data[0]!, shape, x.type);
  return graph.op("Expand", [x, graph.integers(shape)], shape, x.type);
}

const foldable: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/** x op y with NumPy broadcasting; sums with zero and products with one cost nothing. Products with zero are computed: 0 times NaN is NaN. */
export function binary(graph: Graph, op: string, a: Value, b: Value, type: ElementType = a.type): Value {
  const shape = backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
  const [x, y] = [splatNumber(a), splatNumber(b)];
  const fold = foldable[op];
  if (fold && type === "float32") {
    if (x !== undefined && y !== undefined) return graph.splat(Math.fround(fold(x, y)), shape, type);
    if (y === (op === "Add" || op === "Sub" ? 0 : 1) && sameShape(a.shape, shape)) return a;
    if (x === (op === "Add" ? 0 : op === "Mul" ? 1 : Number.NaN) && sameShape(b.shape, shape)) return b;
  }
  if (op === "Add" || op === "Mul") {
    const perChannel = op === "Add" ? plusChannels : timesChannels;
    const [image, numbers] = sameShape(a.shape, shape) ? [a, b] : [b, a];
    const joined = sameShape(image.shape, shape) ? perChannel(graph, image, numbers) : undefined;
    if (joined) return joined;
    const number = op === "Add" ? (x ?? y) : undefined;
    const sum = number === undefined ? undefined : differencePlus(graph, image, number);
    if (sum) return sum;
  }
  const below =
    inBlocks(graph, [a, b], shape, ([a, b]) => binary(graph, op, a!, b!, type)) ??
    underReshape(graph, op, a, b, type);
  if (below) return below;
  // Constant subgraphs keep their shape: a scalar operand on both sides would lose it.
  const left = y === undefined || a.shape.length < shape.length ? operand(graph, a) : a;
  const right = operand(graph, b);
  const safeLeft =
    sizeOf(backend_util.assertAndGetBroadcastShape([...left.shape], [...right.shape])) === sizeOf(shape)
      ? left
      : broadcast(graph, a, shape);
  if (op === "Add") {
    const fused = addBias(graph, safeLeft, right, shape) ?? addBias(graph, right, safeLeft, shape);
    if (fused) return fused;
  }
  return (
    inLongRuns(graph, op, safeLeft, right, type) ??
    (op === "Add" || op === "Mul" ? inLongRuns(graph, op, right, safeLeft, type) : undefined) ??
    graph.op(op, [safeLeft, right], shape, type)
  );
}

/** The same op on what both were before the same change of shape, so that it comes last and meets the next one. */
function underReshape(graph: Graph, op: string, a: Value, b: Value, type: ElementType): Value | undefined {
  if (a.node?.op !== "Reshape" || b.node?.op !== "Reshape" || !sameShape(a.shape, b.shape)) return undefined;
  const [x, y] = [a.node.inputs[0]!, b.node.inputs[0]!];
  return sameShape(x.shape, y.shape) ? reshapeTo(graph, binary(graph, op, x, y, type), a.shape) : undefined;
}

/** Numbers in a row that ONNX Runtime should find when it broadcasts: it pays for every run. */
const longRun = 512;

/**
 * x [P, M, T] op y [P, 1, T], T small (an image and a number per channel): y is repeated t times first, x seen as [P, M/t, t T]. Twice as fast.
 * Undefined where y does not broadcast so or there is nothing to win.
 */
function inLongRuns(graph: Graph, op: string, x: Value, y: Value, type: ElementType): Value | undefined {
  const rank = x.shape.length;
  if (sizeOf(x.shape) < 64 * longRun || y.constant?.splat) return undefined;
  const padded = [...Array(Math.max(0, rank - y.shape.length)).fill(1), ...y.shape] as number[];
  if (padded.length !== rank) return undefined;
  let begin = 0;
  while (begin < rank && padded[begin] === x.shape[begin]) begin++;
  let end = rank;
  while (end > begin && padded[end - 1] === x.shape[end - 1]) end--;
  const between = x.shape.slice(begin, end);
  if (begin === end || padded.slice(begin, end).some((d) => d !== 1)) return undefined;
  const outer = sizeOf(x.shape.slice(0, begin));
  const middle = sizeOf(between);
  const inner = sizeOf(x.shape.slice(end));
  if (inner < 2 || inner >= longRun) return undefined;
  let times = 1;
  while (times * inner < longRun && middle % (2 * times) === 0) times *= 2;
  if (times === 1) return undefined;
  const repeated = broadcast(graph, reshapeTo(graph, y, [outer, 1, inner]), [outer, times, inner]);
  const rows = [outer, middle / times, times * inner];
  const out = graph.op(
    op,
    [reshapeTo(graph, x, rows), reshapeTo(graph, repeated, [outer, 1, times * inner])],
    rows,
    type,
  );
  return reshapeTo(graph, out, x.shape);
}

/** A matrix product followed by the addition of a bias per column is one Gemm; so is each part of a product taken in parts. */
function addBias(graph: Graph, x: Value, bias: Value, shape: readonly number[]): Value | undefined {
  if (!sameShape(x.shape, shape) || bias.shape.length === 0) return undefined;
  const columns = bias.shape.at(-1)!;
  if (sizeOf(bias.shape) !== columns || columns !== shape.at(-1)) return undefined;
  const product = x.node?.op === "Reshape" ? x.node.inputs[0]! : x;
  const { node } = product;
  if (!node || product.shape.length !== 2 || product.shape[1] !== columns) return undefined;
  const inParts = node.op === "Concat" && node.attributes.axis === 0;
  const parts = inParts ? node.inputs : [product];
  if (!parts.every((part) => part.node?.op === "Gemm" && part.node.inputs.length === 2)) return undefined;
  const row = reshapeTo(graph, bias, [columns]);
  const sums = parts.map((part) =>
    graph.op("Gemm", [...part.node!.inputs, row], part.shape, "float32", part.node!.attributes),
  );
  const sum = inParts ? graph.op("Concat", sums, product.shape, "float32", { axis: 0 }) : sums[0]!;
  return reshapeTo(graph, sum, shape);
}

const arithmetic =
  (op: string): Kernel =>
  ({ graph, list: [a, b] }) =>
    binary(graph, op, a!, b!);

const comparison =
  (op: string): Kernel =>
  ({ graph, list: [a, b] }) => {
    // ONNX compares booleans only for equality.
    const number = (v: Value): Value => (v.type === "bool" ? cast(graph, v, "int32") : v);
    return binary(graph, op, number(a!), number(b!), "bool");
  };

const not = (graph: Graph, x: Value): Value => op1(graph, "Not", x);
const negated =
  (op: string): Kernel =>
  (context) =>
    not(context.graph, comparison(op)(context) as Value);

const logical =
  (op: string): Kernel =>
  ({ graph, list: [a, b] }) =>
    binary(graph, op, cast(graph, a!, "bool"), cast(graph, b!, "bool"), "bool");

const mul = (graph: Graph, a: Value, b: Value): Value => binary(graph, "Mul", a, b);
const add = (graph: Graph, a: Value, b: Value): Value => binary(graph, "Add", a, b);
const sub = (graph: Graph, a: Value, b: Value): Value => binary(graph, "Sub", a, b);

export function where(graph: Graph, condition: Value, a: Value, b: Value): Value {
  const shape = backend_util.assertAndGetBroadcastShape(
    backend_util.assertAndGetBroadcastShape([...condition.shape], [...a.shape]),
    [...b.shape],
  );
  const below = inBlocks(graph, [condition, a, b], shape, ([condition, a, b]) =>
    where(graph, condition!, a!, b!),
  );
  if (below) return below;
  const bool = a.type === "bool";
  const number = (v: Value): Value => (bool ? cast(graph, v, "int32") : v);
  const out = graph.op(
    "Where",
    [
      broadcast(graph, cast(graph, condition, "bool"), shape),
      operand(graph, number(a)),
      operand(graph, number(b)),
    ],
    shape,
    number(a).type,
  );
  return bool ? cast(graph, out, "bool") : out;
}

export const clip = (graph: Graph, x: Value, least: number, most: number): Value =>
  beneath(graph, x, (x) =>
    graph.op("Clip", [x, scalar(graph, least, x.type), scalar(graph, most, x.type)], x.shape, x.type),
  );

/** pi/2 in three parts, of which multiples by small integers are exact (Cody and Waite). */
const quarter = [1.5703125, 4.837512969970703e-4, 7.549789954891882e-8] as const;
/** Of sin r / r - 1 and (cos r - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4: minimax polynomials of the Cephes library, highest power first. */
const sinePolynomial = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1] as const;
const cosinePolynomial = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2] as const;

/** Of (tanh x / x - 1) / x^2 in x^2, |x| <= 0.625, likewise. */
const tanhPolynomial = [
  -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1,
] as const;

/** Of (artanh x / x - 1) / x^2 in x^2: Taylor's, to 1.4e-8 for |x| <= 1/3. */
const artanhSeries = [1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3] as const;

/** Of (erf x sqrt(pi) / 2x - 1) / x^2 in x^2: Taylor's, to 3e-8 for |x| <= 0.5. */
const erfSeries = [-1 / 1320, 1 / 216, -1 / 42, 1 / 10, -1 / 3] as const;

/** A polynomial, highest power first, by Horner's rule. */
const polynomial = (graph: Graph, [first, ...others]: readonly number[], x: Value): Value =>
  others.reduce((sum, c) => add(graph, mul(graph, sum, x), scalar(graph, c)), scalar(graph, first!));

/** `near` where |x| < limit, else `far`. */
const aroundZero = (graph: Graph, x: Value, limit: number, near: Value, far: Value): Value =>
  where(graph, binary(graph, "Less", op1(graph, "Abs", x), scalar(graph, limit), "bool"), near, far);

/** x + x^3 p(x^2): odd functions near 0, where WebGPU's shaders leave a few digits of them or none, as differences of larger numbers. */
function odd(graph: Graph, p: readonly number[], x: Value): Value {
  const square = mul(graph, x, x);
  return add(graph, x, mul(graph, mul(graph, x, square), polynomial(graph, p, square)));
}

function tanh(graph: Graph, x: Value): Value {
  const far = op1(graph, "Tanh", x);
  return graph.webgpu ? aroundZero(graph, x, 0.625, odd(graph, tanhPolynomial, x), far) : far;
}

/** artanh x for |x| <= 1/3, by its Taylor series. */
const artanh = (graph: Graph, x: Value): Value => odd(graph, artanhSeries, x);

/** log(1 + x) for x from -0.5 to 1. */
const nearLog1p = (graph: Graph, x: Value): Value =>
  mul(graph, artanh(graph, binary(graph, "Div", x, add(graph, x, scalar(graph, 2)))), scalar(graph, 2));

/** A logarithm; in WebGPU's shaders, where it may be off by 2^-21 around 1, by a series there. */
function logarithm(graph: Graph, x: Value): Value {
  const far = op1(graph, "Log", x);
  if (!graph.webgpu) return far;
  const difference = sub(graph, x, scalar(graph, 1));
  return aroundZero(graph, difference, 0.5, nearLog1p(graph, difference), far);
}

/** Sinh, Asinh, Atanh, Erf: odd functions that WebGPU's shaders compute from larger numbers. */
const oddFunctions: Record<string, (graph: Graph, x: Value) => Value> = {
  Sinh: (graph, x) => mul(graph, tanh(graph, x), op1(graph, "Cosh", x)),
  // sign x log(1 + |x| + (sqrt(1 + x^2) - 1))
  Asinh: (graph, x) => {
    const size = op1(graph, "Abs", x);
    const square = mul(graph, x, x);
    const root = op1(graph, "Sqrt", add(graph, square, scalar(graph, 1)));
    const more = binary(graph, "Div", square, add(graph, root, scalar(graph, 1)));
    const near = nearLog1p(graph, add(graph, size, more));
    const positive = aroundZero(graph, x, 0.625, near, op1(graph, "Asinh", size));
    return mul(graph, op1(graph, "Sign", x), positive);
  },
  Atanh: (graph, x) => aroundZero(graph, x, 1 / 3, artanh(graph, x), op1(graph, "Atanh", x)),
  Erf: (graph, x) => {
    const near = mul(graph, odd(graph, erfSeries, x), scalar(graph, 2 / Math.sqrt(Math.PI)));
    return aroundZero(graph, x, 0.5, near, op1(graph, "Erf", x));
  },
};

const oddFunction =
  (op: string): Kernel =>
  ({ graph, list: [x] }) =>
    graph.webgpu ? oddFunctions[op]!(graph, x!) : op1(graph, op, x!);

/** A sine or cosine; in WebGPU's shaders, whose own may be off by 5e-4, from polynomials, to float32's digits for |x| up to 1000. */
function circular(graph: Graph, op: "Sin" | "Cos", x: Value): Value {
  if (!graph.webgpu) return op1(graph, op, x);
  const number = (value: number): Value => scalar(graph, value);
  const floor = (v: Value): Value => op1(graph, "Floor", v);
  const turns = floor(add(graph, mul(graph, x, number(2 / Math.PI)), number(0.5)));
  const r = quarter.reduce((rest, part) => sub(graph, rest, mul(graph, turns, number(part))), x);
  const square = mul(graph, r, r);
  const sin = add(graph, r, mul(graph, mul(graph, r, square), polynomial(graph, sinePolynomial, square)));
  const fourth = mul(graph, mul(graph, square, square), polynomial(graph, cosinePolynomial, square));
  const cos = add(graph, sub(graph, fourth, mul(graph, square, number(0.5))), number(1));
  // Quarter turns: 0 sin, 1 cos, 2 -sin, 3 -cos.
  const count = op === "Sin" ? turns : add(graph, turns, number(1));
  const half = floor(mul(graph, count, number(0.5)));
  const odd = sub(graph, count, mul(graph, half, number(2)));
  const negative = sub(graph, half, mul(graph, floor(mul(graph, half, number(0.5))), number(2)));
  const value = add(graph, sin, mul(graph, odd, sub(graph, cos, sin)));
  return mul(graph, value, sub(graph, number(1), mul(graph, negative, number(2))));
}

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

export const elementwise: Record<string, Kernel> = {
  Abs: unary("Abs"),
  Acos: unary("Acos"),
  Acosh: unary("Acosh"),
  Asin: unary("Asin"),
  Asinh: oddFunction("Asinh"),
  Atan: unary("Atan"),
  Atanh: oddFunction("Atanh"),
  Ceil: unary("Ceil"),
  Cos: ({ graph, list: [x] }) => circular(graph, "Cos", x!),
  Cosh: unary("Cosh"),
  Erf: oddFunction("Erf"),
  Exp: unary("Exp"),
  Floor: unary("Floor"),
  Log: ({ graph, list: [x] }) => logarithm(graph, x!),
  Neg: unary("Neg"),
  Reciprocal: unary("Reciprocal"),
  Relu: unary("Relu"),
  Round: ({ graph, list: [x] }) => (x!.type === "float32" ? op1(graph, "Round", x!) : x!),
  Sigmoid: unary("Sigmoid"),
  Sign: unary("Sign"),
  Sin: ({ graph, list: [x] }) => circular(graph, "Sin", x!),
  Sinh: oddFunction("Sinh"),
  Softplus: unary("Softplus"),
  Sqrt: unary("Sqrt"),
  Tan: ({ graph, list: [x] }) =>
    graph.webgpu
      ? binary(graph, "Div", circular(graph, "Sin", x!), circular(graph, "Cos", x!))
      : op1(graph, "Tan", x!),
  Tanh: ({ graph, list: [x] }) => tanh(graph, x!),
  IsNan: ({ graph, list: [x] }) => op1(graph, "IsNaN", x!, {}, "bool"),
  IsInf: ({ graph, list: [x] }) => op1(graph, "IsInf", x!, {}, "bool"),
  IsFinite: ({ graph, list: [x] }) =>
    // 0 * x is 0 for finite x and NaN for all others.
    not(
      graph,
      graph.op("IsNaN", [graph.op("Mul", [x!, scalar(graph, 0)], x!.shape, "float32")], x!.shape, "bool"),
    ),
  Expm1: ({ graph, list: [x] }) => {
    // exp(x) - 1 = tanh(x/2) (exp(x) + 1) loses no digits near 0; far from it tanh is exactly 1.
    const half = tanh(graph, mul(graph, x!, scalar(graph, 0.5)));
    return mul(graph, half, add(graph, op1(graph, "Exp", x!), scalar(graph, 1)));
  },
  Log1p: ({ graph, list: [x] }) => {
    const one = scalar(graph, 1);
    const u = add(graph, x!, one);
    if (graph.webgpu) return aroundZero(graph, x!, 0.5, nearLog1p(graph, x!), op1(graph, "Log", u));
    // log(1 + x) with the rounding of 1 + x divided out (Kahan).
    const rounded = sub(graph, u, one);
    const exact = graph.op("Equal", [rounded, scalar(graph, 0)], x!.shape, "bool");
    const safe = where(graph, exact, broadcast(graph, one, x!.shape), rounded);
    // Of infinity the quotient would be NaN.
    const finite = (v: Value): Value => binary(graph, "Min", v, scalar(graph, 3e38));
    const ratio = binary(graph, "Div", finite(x!), finite(safe));
    return where(graph, exact, x!, mul(graph, op1(graph, "Log", u), ratio));
  },
  Rsqrt: ({ graph, list: [x] }) => op1(graph, "Reciprocal", op1(graph, "Sqrt", x!)),
  Square: ({ graph, list: [x] }) => mul(graph, x!, x!),
  Relu6: ({ graph, list: [x] }) => clip(graph, x!, 0, 6),
  ClipByValue: ({ graph, list: [x], attrs }) => clip(graph, x!, attrs.clipValueMin, attrs.clipValueMax),
  Elu: ({ graph, list: [x] }) => op1(graph, "Elu", x!, { alpha: { float: 1 } }),
  Selu: ({ graph, list: [x] }) =>
    op1(graph, "Selu", x!, { alpha: { float: SELU_ALPHA }, gamma: { float: SELU_SCALE } }),
  LeakyRelu: ({ graph, list: [x], attrs }) => op1(graph, "LeakyRelu", x!, { alpha: { float: attrs.alpha } }),
  Prelu: ({ graph, inputs: { x, alpha } }) =>
    where(graph, binary(graph, "GreaterOrEqual", x!, scalar(graph, 0), "bool"), x!, mul(graph, x!, alpha!)),
  Step: ({ graph, list: [x], attrs }) => {
    // 1 where x > 0 as a sigmoid of straight lines, so steep that it has no slope: one pass where comparing and selecting take three.
    // After relu the sign is the same, and relu's input need not be kept.
    const steep = { alpha: { float: 3e38 }, beta: { float: 0 } };
    const step = beneath(graph, x!, (x) =>
      graph.op("HardSigmoid", [graph.find("Relu", [x]) ?? x], x.shape, x.type, steep),
    );
    const alpha = attrs.alpha ?? 0;
    if (alpha === 0) return step;
    return add(graph, mul(graph, step, scalar(graph, 1 - alpha)), scalar(graph, alpha));
  },
  LogicalNot: ({ graph, list: [x] }) => not(graph, cast(graph, x!, "bool")),
  Cast: ({ graph, list: [x], attrs }) => cast(graph, x!, attrs.dtype),
  Identity: ({ list: [x] }) => x!,
  ZerosLike: ({ graph, list: [x] }) => graph.splat(0, x!.shape, x!.type),
  OnesLike: ({ graph, list: [x] }) => graph.splat(1, x!.shape, x!.type),
  Add: arithmetic("Add"),
  Sub: arithmetic("Sub"),
  Multiply: arithmetic("Mul"),
  RealDiv: arithmetic("Div"),
  FloorDiv: ({ graph, list: [a, b] }) => {
    const quotient = (x: Value): Value => cast(graph, x, "float32");
    const floor = op1(graph, "Floor", binary(graph, "Div", quotient(a!), quotient(b!)));
    return cast(graph, floor, a!.type);
  },
  Mod: ({ graph, list: [a, b] }) =>
    a!.type === "float32"
      ? sub(graph, a!, mul(graph, b!, op1(graph, "Floor", binary(graph, "Div", a!, b!))))
      : binary(graph, "Mod", a!, b!),
  Pow: ({ graph, list: [a, b] }) => {
    if (!graph.webgpu) return binary(graph, "Pow", a!, b!);
    // WebGPU's Pow of ONNX Runtime 1.30 fails where both are broadcast.
    const shape = backend_util.assertAndGetBroadcastShape([...a!.shape], [...b!.shape]);
    return binary(graph, "Pow", broadcast(graph, a!, shape), broadcast(graph, b!, shape));
  },
  Maximum: arithmetic("Max"),
  Minimum: arithmetic("Min"),
  SquaredDifference: ({ graph, list: [a, b] }) => {
    const d = sub(graph, a!, b!);
    return mul(graph, d, d);
  },
  Atan2: ({ graph, list: [a, b] }) => {
    const shape = backend_util.assertAndGetBroadcastShape([...a!.shape], [...b!.shape]);
    const y = broadcast(graph, a!, shape);
    const x = broadcast(graph, b!, shape);
    const zero = scalar(graph, 0);
    const is = (op: string, v: Value): Value => graph.op(op, [v, zero], shape, "bool");
    const onAxis = is("Equal", x);
    const one = graph.splat(1, shape, "float32");
    const slope = op1(graph, "Atan", binary(graph, "Div", y, where(graph, onAxis, one, x)));
    const half = where(
      graph,
      is("Less", y),
      graph.splat(-Math.PI, shape, "float32"),
      graph.splat(Math.PI, shape, "float32"),
    );
    const left = add(graph, slope, half);
    const vertical = mul(graph, op1(graph, "Sign", y), scalar(graph, Math.PI / 2));
    return where(graph, onAxis, vertical, where(graph, is("Less", x), left, slope));
  },
  AddN: ({ graph, list }) => list.reduce((sum, x) => add(graph, sum, x)),
  Equal: comparison("Equal"),
  NotEqual: negated("Equal"),
  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  LogicalAnd: logical("And"),
  LogicalOr: logical("Or"),
  Select: ({ graph, inputs: { condition, t, e } }) => {
    // A condition of rank 1 selects rows.
    const rank = t!.shape.length;
    const rows = condition!.shape.length === 1 && rank > 1;
    const c = rows
      ? reshapeTo(graph, condition!, [condition!.shape[0]!, ...Array(rank - 1).fill(1)])
      : condition!;
    return where(graph, c, t!, e!);
  },
  /** (x - mean) scale / sqrt(variance + epsilon) + offset, statistics per channel. */
  FusedBatchNorm: ({ graph, inputs: { x, mean, variance, offset, scale }, attrs }) => {
    const spread = binary(graph, "Add", variance!, scalar(graph, attrs.varianceEpsilon));
    const root = graph.op("Sqrt", [spread], spread.shape, "float32");
    const inverse = graph.op("Reciprocal", [root], spread.shape, "float32");
    const factor = scale ? binary(graph, "Mul", inverse, scale) : inverse;
    const shifted = binary(graph, "Mul", binary(graph, "Sub", x!, mean!), factor);
    return offset ? binary(graph, "Add", shifted, offset) : shifted;
  },
};
