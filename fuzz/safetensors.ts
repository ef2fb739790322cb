import { decodeSafetensors, encodeSafetensors } from "../src/io/safetensors.js";
import type { Draw } from "./mutate.js";

type Change = (bytes: Uint8Array) => Uint8Array;

/** A safetensors file with its header changed, and the length in front of it set right. */
export function withHeader(file: Uint8Array, change: Change): Uint8Array {
  const bytes = Buffer.from(file);
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = change(bytes.subarray(8, end));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, bytes.subarray(end)]);
}

/** Mostly, a text of the metadata is changed and the file is else whole: what reads models gets to see the damage. */
export function damageModel(file: Uint8Array, change: Change, draw: Draw): Uint8Array {
  const kind = draw(8);
  if (kind === 0) return change(file);
  if (kind === 1) return withHeader(file, change);
  const { tensors, metadata } = decodeSafetensors(file, "a valid file");
  const [names, arrays] = [Object.keys(metadata), Object.keys(tensors)];
  if (kind === 2 || names.length === 0) {
    delete tensors[arrays[draw(arrays.length)]!];
    return encodeSafetensors(tensors, metadata);
  }
  const name = names[draw(names.length)]!;
  const text = Buffer.from(change(Buffer.from(metadata[name]!))).toString();
  return encodeSafetensors(tensors, { ...metadata, [name]: text });
}
