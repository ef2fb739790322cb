// Types of Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
const [stop, byte, int64, double, binary, list, struct] = [0, 3, 6, 7, 8, 9, 12];

/** How deep structs and lists are nested at most; Parquet's are 7 deep. */
const deepest = 32;

/**
 * Walks over a struct in Thrift's compact protocol, without keeping anything of it: a library that makes room for each list as it is declared
 * may read it after that.
 * @returns where it ends.
 * @throws Error where it ends beyond its bytes, is nested more than 32 deep, or a list has more elements than there are bytes left.
 */
export function endOfStruct(view: DataView, begin: number): number {
  let at = begin;
  const unsigned = (): number => {
    for (let value = 0, shift = 0; shift < 64; shift += 7) {
      const next = view.getUint8(at++);
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    throw new Error("it has an integer of more than 64 bits");
  };
  const skip = (bytes: number): void => {
    if (bytes > view.byteLength - at)
      throw new Error(`it declares ${bytes} bytes, of ${view.byteLength - at}`);
    at += bytes;
  };
  const element = (type: number, depth: number): void => {
    if (depth > deepest) throw new Error(`it is nested more than ${deepest} deep`);
    if (type < byte) return; // true and false
    if (type === byte) skip(1);
    else if (type <= int64) unsigned();
    else if (type === double) skip(8);
    else if (type === binary) skip(unsigned());
    else if (type === list) elements(depth);
    else if (type === struct) fields(depth);
    else throw new Error(`it has a field of type ${type}`);
  };
  const elements = (depth: number): void => {
    const head = view.getUint8(at++);
    const count = head >> 4 === 15 ? unsigned() : head >> 4;
    // Each takes a byte at least.
    if (count > view.byteLength - at)
      throw new Error(`it declares a list of ${count}, in ${view.byteLength - at} bytes`);
    // In a list, true and false take a byte as well.
    const type = Math.max(head & 15, byte);
    for (let i = 0; i < count; i++) element(type, depth + 1);
  };
  const fields = (depth: number): void => {
    for (let head = view.getUint8(at++); (head & 15) !== stop; head = view.getUint8(at++)) {
      if (head >> 4 === 0) unsigned();
      element(head & 15, depth + 1);
    }
  };
  fields(0);
  return at;
}
