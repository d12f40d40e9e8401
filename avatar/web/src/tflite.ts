/**
 * Runs small TensorFlow Lite networks of floats, without WebAssembly or any script made at run time (which the page's
 * policy forbids): as many operators as the face detector has. Layout and numbers are those of TensorFlow's schema.fbs.
 */

/** One array of the network: `shape` is batch, height, width, channels where it has four parts. */
interface Tensor {
  shape: number[];
  data: Float32Array;
  /** Whole numbers, such as how much is padded. */
  whole?: Int32Array;
}

type Step = (tensors: Tensor[]) => void;

const ADD = 0, CONCATENATION = 2, CONV_2D = 3, DEPTHWISE_CONV_2D = 4, DEQUANTIZE = 6, MAX_POOL_2D = 17, RELU = 19,
  RESHAPE = 22, PAD = 34;
const FLOAT16 = 1, INT32 = 2;
const SAME = 0;

/** A network that was read from a .tflite file, ready to run. */
export class Network {
  private readonly tensors: Tensor[];
  private readonly steps: Step[] = [];
  private readonly inputs: number[];
  private readonly outputs: number[];

  /** Throws RangeError where the file is none, or has operators that are not known here. */
  constructor(file: ArrayBuffer) {
    const model = new Table(new DataView(file), new DataView(file).getUint32(0, true));
    const graph = model.tables(2)[0];
    if (!graph) throw new RangeError("the network has no graph");
    const codes = model.tables(1).map((code) => Math.max(code.byte(0), code.int(3)));
    const buffers = model.tables(4).map((buffer) => buffer.bytes(0));
    this.tensors = graph.tables(0).map((tensor) => readTensor(tensor, buffers));
    this.inputs = graph.ints(1);
    this.outputs = graph.ints(2);
    for (const operator of graph.tables(3)) {
      const step = stepOf(codes[operator.int(0)]!, operator, this.tensors);
      // What depends on nothing but the file is worked out once.
      if (codes[operator.int(0)] === DEQUANTIZE) step(this.tensors);
      else this.steps.push(step);
    }
  }

  /** The outputs for this input, as long as the network says. They are overwritten by the next run. */
  run(input: Float32Array): Float32Array[] {
    this.tensors[this.inputs[0]!]!.data.set(input);
    for (const step of this.steps) step(this.tensors);
    return this.outputs.map((index) => this.tensors[index]!.data);
  }
}

/** A table of a FlatBuffer: fields by their number, absent ones are 0 or empty. */
class Table {
  constructor(
    private readonly view: DataView,
    private readonly at: number,
  ) {}

  byte(field: number): number {
    const at = this.place(field);
    return at ? this.view.getInt8(at) : 0;
  }

  int(field: number): number {
    const at = this.place(field);
    return at ? this.view.getInt32(at, true) : 0;
  }

  table(field: number): Table {
    const at = this.place(field);
    if (!at) throw new RangeError(`the network lacks the options of an operator`);
    return new Table(this.view, at + this.view.getUint32(at, true));
  }

  tables(field: number): Table[] {
    const { first, count } = this.vector(field);
    return Array.from({ length: count }, (_, i) => {
      const at = first + 4 * i;
      return new Table(this.view, at + this.view.getUint32(at, true));
    });
  }

  ints(field: number): number[] {
    const { first, count } = this.vector(field);
    return Array.from({ length: count }, (_, i) => this.view.getInt32(first + 4 * i, true));
  }

  bytes(field: number): DataView {
    const { first, count } = this.vector(field);
    return new DataView(this.view.buffer, first, count);
  }

  private vector(field: number): { first: number; count: number } {
    const at = this.place(field);
    if (!at) return { first: 0, count: 0 };
    const start = at + this.view.getUint32(at, true);
    return { first: start + 4, count: this.view.getUint32(start, true) };
  }

  /** Where a field stands, 0 when it is absent. */
  private place(field: number): number {
    const vtable = this.at - this.view.getInt32(this.at, true);
    const entry = 4 + 2 * field;
    if (entry >= this.view.getUint16(vtable, true)) return 0;
    const offset = this.view.getUint16(vtable + entry, true);
    return offset ? this.at + offset : 0;
  }
}

function readTensor(tensor: Table, buffers: DataView[]): Tensor {
  const shape = tensor.ints(0);
  const size = shape.reduce((product, length) => product * length, 1);
  const stored = buffers[tensor.int(2)];
  const data = new Float32Array(size);
  if (!stored?.byteLength) return { shape, data };
  const type = tensor.byte(1);
  if (type === INT32) {
    const whole = Int32Array.from({ length: size }, (_, i) => stored.getInt32(4 * i, true));
    return { shape, data, whole };
  }
  for (let i = 0; i < size; i++) data[i] = type === FLOAT16 ? half(stored.getUint16(2 * i, true)) : stored.getFloat32(4 * i, true);
  return { shape, data };
}

/** The number that 16 bits stand for (IEEE 754, binary16). */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const part = bits & 1023;
  const size = exponent ? 2 ** (exponent - 15) * (1 + part / 1024) : 2 ** -14 * (part / 1024);
  return bits & 0x8000 ? -size : size;
}

function stepOf(code: number, operator: Table, tensors: Tensor[]): Step {
  const [first, second, third] = operator.ints(1).map((index) => tensors[index]!);
  const out = tensors[operator.ints(2)[0]!]!;
  const given = first!;
  switch (code) {
    case DEQUANTIZE:
    case RESHAPE:
      return () => out.data.set(given.data);
    case RELU:
      return () => {
        for (let i = 0; i < out.data.length; i++) out.data[i] = Math.max(0, given.data[i]!);
      };
    case ADD:
      return () => {
        for (let i = 0; i < out.data.length; i++) out.data[i] = given.data[i]! + second!.data[i]!;
      };
    case CONCATENATION:
      return () => concatenate(operator.ints(1).map((index) => tensors[index]!), out, operator.table(4).int(0));
    case PAD:
      return () => pad(given, second!, out);
    case CONV_2D:
      return () => convolve(given, second!, third!, out, windowOf(operator, second!, given, out));
    case DEPTHWISE_CONV_2D:
      return () => convolveEach(given, second!, third!, out, windowOf(operator, second!, given, out));
    case MAX_POOL_2D: {
      const options = operator.table(4);
      const size = { shape: [1, options.int(4), options.int(3), 1], data: given.data };
      return () => greatest(given, out, windowOf(operator, size, given, out));
    }
    default:
      throw new RangeError(`operator ${code} is not known`);
  }
}

/** Where a window of weights lies on what is given. */
interface Window {
  height: number;
  width: number;
  stride: number;
  top: number;
  left: number;
}

function windowOf(operator: Table, weights: Tensor, given: Tensor, out: Tensor): Window {
  const options = operator.table(4);
  const [height, width] = [weights.shape[1]!, weights.shape[2]!];
  const stride = options.int(1);
  const before = (axis: 1 | 2, size: number) =>
    options.byte(0) === SAME ? Math.max(0, (out.shape[axis]! - 1) * stride + size - given.shape[axis]!) >> 1 : 0;
  return { height, width, stride, top: before(1, height), left: before(2, width) };
}

/** Calls for every place of `out` and every place of the window there that lies on what is given. */
function slide(given: Tensor, out: Tensor, window: Window, visit: (out: number, given: number, weight: number) => void): void {
  const [, rows, columns] = given.shape as [number, number, number];
  const [, outRows, outColumns] = out.shape as [number, number, number];
  const { height, width, stride, top, left } = window;
  for (let row = 0; row < outRows; row++) {
    for (let column = 0; column < outColumns; column++) {
      for (let i = 0; i < height; i++) {
        const y = row * stride + i - top;
        if (y < 0 || y >= rows) continue;
        for (let j = 0; j < width; j++) {
          const x = column * stride + j - left;
          if (x >= 0 && x < columns) visit(row * outColumns + column, y * columns + x, i * width + j);
        }
      }
    }
  }
}

/** Weights are (out, height, width, in). */
function convolve(given: Tensor, weights: Tensor, bias: Tensor, out: Tensor, window: Window): void {
  const [inside, outside] = [given.shape[3]!, out.shape[3]!];
  const [from, into, by] = [given.data, out.data, weights.data];
  const size = window.height * window.width;
  for (let i = 0; i < into.length; i++) into[i] = bias.data[i % outside]!;
  slide(given, out, window, (place, source, weight) => {
    const start = source * inside;
    for (let channel = 0; channel < outside; channel++) {
      const row = (channel * size + weight) * inside;
      let sum = 0;
      for (let i = 0; i < inside; i++) sum += from[start + i]! * by[row + i]!;
      into[place * outside + channel]! += sum;
    }
  });
}

/** Each channel by itself: weights are (1, height, width, channels). */
function convolveEach(given: Tensor, weights: Tensor, bias: Tensor, out: Tensor, window: Window): void {
  const channels = out.shape[3]!;
  const [from, into, by] = [given.data, out.data, weights.data];
  for (let i = 0; i < into.length; i++) into[i] = bias.data[i % channels]!;
  slide(given, out, window, (place, source, weight) => {
    for (let i = 0; i < channels; i++) into[place * channels + i]! += from[source * channels + i]! * by[weight * channels + i]!;
  });
}

function greatest(given: Tensor, out: Tensor, window: Window): void {
  const channels = out.shape[3]!;
  const [from, into] = [given.data, out.data];
  into.fill(-Infinity);
  slide(given, out, window, (place, source) => {
    for (let i = 0; i < channels; i++) {
      into[place * channels + i] = Math.max(into[place * channels + i]!, from[source * channels + i]!);
    }
  });
}

/** `amounts` are (4, 2): how much is put before and after in each part of the shape. */
function pad(given: Tensor, amounts: Tensor, out: Tensor): void {
  const [, rows, columns, channels] = given.shape as [number, number, number, number];
  const before = (axis: number) => amounts.whole![2 * axis]!;
  const [, , outColumns, outChannels] = out.shape as [number, number, number, number];
  out.data.fill(0);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * channels;
      const to = ((row + before(1)) * outColumns + column + before(2)) * outChannels + before(3);
      out.data.set(given.data.subarray(from, from + channels), to);
    }
  }
}

function concatenate(parts: Tensor[], out: Tensor, axis: number): void {
  const along = axis < 0 ? axis + out.shape.length : axis;
  const inner = (tensor: Tensor) => tensor.shape.slice(along).reduce((product, length) => product * length, 1);
  const outer = out.data.length / inner(out);
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const part of parts) {
      const length = inner(part);
      out.data.set(part.data.subarray(row * length, (row + 1) * length), at);
      at += length;
    }
  }
}
